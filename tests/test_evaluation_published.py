"""The published tables follow from the figures that they are made of, except where we say so."""

import pytest

from artgpt4.evaluation import published


def test_the_first_preprints_averages_come_out_as_printed():
    assert len(published.first_preprint()) == 12
    for row in published.first_preprint():
        assert len(row.items) == published.ARTMM_PICTURES[row.axis]
        assert row.average == pytest.approx(row.printed), row


def test_the_first_preprints_totals():
    assert published.first_preprint_totals() == pytest.approx(
        {"GPT-4 (criterion)": 3.55, "MiniGPT-4": 2.30, "ArtGPT-4": 3.40}
    )


def test_table_2_follows_from_its_sums_but_for_icrc():
    for row in published.artmm():
        for axis, corrected in row.corrected.items():
            if axis == "ICRC":
                assert row.printed[axis] == row.sums[axis] / 3
            else:
                assert row.printed[axis] == pytest.approx(corrected)


def test_two_printed_totals_do_not_follow_from_their_rows():
    odd = [row.system for row in published.artmm() if abs(row.printed_total - row.total_of_printed) > 0.006]
    assert odd == ["LLaVA (Vicuna-13B)", "ArtGPT-4 (MiniGPT-4-Vicuna-7B)"]


def test_corrected_totals():
    totals = {row.system: row.corrected_total for row in published.artmm()}
    assert totals == pytest.approx(
        {
            "Artist (human)": 3.55,
            "MiniGPT-4 (Vicuna-13B)": 2.30,
            "MiniGPT-4 (Vicuna-7B)": 2.175,
            "LLaVA (Vicuna-13B)": 2.175,
            "ArtGPT-4 (MiniGPT-4-Vicuna-7B)": 3.075,
            "ArtGPT-4 (LLaVA-Vicuna-13B)": 3.325,
            "ArtGPT-4 (MiniGPT-4-Vicuna-13B)": 3.40,
        }
    )


def test_the_human_row_is_the_first_preprints_gpt_4():
    human = next(row for row in published.artmm() if row.system == "Artist (human)")
    gpt4 = {row.axis: sum(row.items) for row in published.first_preprint() if row.system.startswith("GPT-4")}
    assert human.sums == gpt4


def test_where_the_judges_log_differs_from_the_table():
    differences = {(d.axis, d.item, d.system) for d in published.judge_log_differences()}
    both = {("ISAC", item, system) for item in (1, 2, 6, 9) for system in ("ArtGPT-4", "MiniGPT-4")}
    assert differences == both | {("ISAC", 3, "ArtGPT-4")}


def test_the_ablation_repeats_the_same_rows_in_every_table():
    full = [row for row in published.table("artemis") if row["system"] == "ArtGPT-4 (MiniGPT-4)"]
    of_13b = [row for row in full if row["language_model"] == "Vicuna-13B"]
    assert [row["table"] for row in of_13b] == ["1", "3", "4"]
    assert len({tuple(row.values())[4:] for row in of_13b}) == 1


def test_the_document_has_every_table_and_both_totals():
    text = published.markdown()
    for said in ("GalleryGPT-7B", "scorer unreleased", "| 3.900 |", "3.400 |", "8/15", "Multi-modal GPT"):
        assert said in text
