"""The commands from end to end: score a file, compare runs, and read what they write."""

import csv
import json

import pytest
from PIL import Image

from artgpt4.emotions import EMOTIONS
from artgpt4.evaluation import metrics
from artgpt4.evaluation.__main__ import main
from artgpt4.evaluation.benchmarks import DataError, Item, Prediction, read_artmm_jsonl
from artgpt4.evaluation.judge import Verdict
from artgpt4.evaluation.scoring import emotion_confusion, read_ratings, read_run, score_judged

SAID = {
    "awe": ["The vast sky fills me with awe", "I am in awe of these great mountains"],
    "fear": ["The dark water makes me afraid", "I fear this terrible storm"],
}


@pytest.fixture
def artemis(tmp_path):
    """Twelve paintings, half of awe and half of fear, with three annotators each."""
    path = tmp_path / "artemis.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["art_style", "painting", "emotion", "utterance", "repetition"])
        for number in range(12):
            emotion = "awe" if number % 2 else "fear"
            for text in (*SAID[emotion], f"It is number {number} of {emotion}"):
                writer.writerow(["Romanticism", f"work-{number}", emotion, text, 3])
    return path


def predictions(path, answer):
    """Writes `answer(number)` for each of the twelve; None for an error."""
    lines = []
    for number in range(12):
        text = answer(number)
        about = {"error": "this picture is damaged"} if text is None else {"answers": [text]}
        lines.append(json.dumps({"id": f"Romanticism/work-{number}"} | about))
    path.write_text("\n".join(lines) + "\n")
    return path


def score(artemis, folder, system, answer, *more):
    folder.mkdir()
    given = predictions(folder / "predictions.jsonl", answer)
    arguments = ["score", "artemis", "--data", str(artemis), "--predictions", str(given), "--system", system]
    main([*arguments, "--out", str(folder), *more])
    return folder


def seeing(number):
    return "I feel awe before the vast mountains" if number % 2 else "I fear the dark and terrible water"


def blind(number):
    return "I feel awe before the vast mountains"


def test_two_systems_are_scored_compared_and_shown_beside_the_published_rows(artemis, tmp_path):
    runs = [score(artemis, tmp_path / name, name, answer) for name, answer in (("seeing", seeing), ("blind", blind))]
    main(["report", *map(str, runs), "--out", str(tmp_path / "report")])
    text = (tmp_path / "report" / "report.md").read_text()
    for said in (
        "control: one cheerful sentence for every picture",
        "control: captions of seeing dealt to other pictures",
        "control: captions of blind dealt to other pictures",
        "control: a person left out",
        "seeing minus blind, on the 12 pictures that both answered",
        "ArtGPT-4 (MiniGPT-4), Vicuna-13B",
        "they are distances",
        "METEOR",
    ):
        assert said in text
    # the person and the constant are the same for both systems, and there once
    assert text.count("\n| control: a person left out |") == text.count("\n| control: captions of seeing dealt") > 0
    compared = next(line for line in text.splitlines() if line.startswith("| emotion_named_accuracy | 0.5"))
    assert compared.rstrip(" |").endswith("| apart")
    with (tmp_path / "report" / "scores.csv").open() as file:
        rows = {(row["row"], row["metric"]): row for row in csv.DictReader(file)}
    assert float(rows["seeing", "emotion_named_accuracy"]["score"]) == 1.0
    assert float(rows["blind", "emotion_named_accuracy"]["low"]) < 0.5 < float(
        rows["blind", "emotion_named_accuracy"]["high"]
    )  # fmt: skip
    for plot in ("vader_paper_absdiff", "rouge_l"):
        with Image.open(tmp_path / "report" / f"{plot}.png") as picture:
            assert min(picture.size) > 100
        assert f"({plot}.png)" in text


def test_emotions_are_counted_by_what_annotators_chose_and_what_was_answered(artemis, tmp_path):
    def answer(number):
        return None if number == 0 else "it is a picture" if number == 2 else seeing(number)

    # Six of awe, all named; of fear one without an answer, one that names nothing, four named.
    run = score(artemis, tmp_path / "run", "seeing", answer)
    counts = read_run(run).about["emotion_confusion"]
    awe, fear, none = EMOTIONS.index("awe"), EMOTIONS.index("fear"), len(EMOTIONS)
    assert counts[awe][awe] == 6 and counts[fear][fear] == 4 and counts[fear][none] == 1
    assert sum(map(sum, counts)) == 11
    main(["report", str(run), "--out", str(tmp_path / "report")])
    with Image.open(tmp_path / "report" / "emotion_confusion_1.png") as picture:
        assert min(picture.size) > 300
    assert "(emotion_confusion_1.png)" in (tmp_path / "report" / "report.md").read_text()


def test_a_systems_own_emotions_count_before_those_its_caption_names():
    items = [Item(str(number), "p.jpg", ("?",), emotions=("awe", "awe", "fear")) for number in range(4)]
    items.append(Item("4", "p.jpg", ("?",), emotions=("awe", "fear")))  # no dominant one
    own = ["fear", {"awe": 0.4, "sadness": 0.6}, None, None, "awe"]
    pairs = [(item, Prediction(item.id, ("full of awe",), emotion)) for item, emotion in zip(items, own, strict=True)]
    counts = emotion_confusion(pairs)
    assert counts[EMOTIONS.index("awe")] == [2 * (e == "awe") + (e in ("fear", "sadness")) for e in EMOTIONS] + [0]
    assert sum(map(sum, counts)) == 4
    assert emotion_confusion(pairs[4:]) == []


def test_a_run_is_read_back_as_it_was(artemis, tmp_path):
    run = read_run(score(artemis, tmp_path / "run", "seeing", seeing))
    assert run.about["system"] == "seeing" and run.about["versions"]["textblob"]
    assert run.tables.keys() == {"system", "constant", "shuffled", "human"}
    table = run.tables["system"]
    assert table.ids == [f"Romanticism/work-{number}" for number in range(12)]
    assert all(len(rows) == 12 for rows in table.rows.values())
    assert len(run.about["examples"]) == 12


def test_a_picture_without_answer_is_a_row_with_an_error(artemis, tmp_path):
    run = score(artemis, tmp_path / "run", "seeing", lambda number: seeing(number) if number != 5 else None)
    main(["report", str(run), "--out", str(tmp_path / "report")])
    text = (tmp_path / "report" / "report.md").read_text()
    assert "**Without an answer, and in no score: 1 pictures**, among them Romanticism/work-5: this picture is" in text
    assert len(read_run(run).tables["system"].ids) == 11


def test_a_part_is_scored_by_its_list_of_ids(artemis, tmp_path):
    main(["split", str(artemis), "--out", str(tmp_path / "split")])
    ids = (tmp_path / "split" / "train.txt").read_text().split()
    given = tmp_path / "p.jsonl"
    given.write_text("".join(json.dumps({"id": name, "answers": ["awe"]}) + "\n" for name in ids))
    arguments = ["--data", str(artemis), "--predictions", str(given), "--system", "s", "--out", str(tmp_path / "run")]
    main(["score", "artemis", *arguments, "--ids", str(tmp_path / "split" / "train.txt")])
    assert read_run(tmp_path / "run").tables["system"].ids == ids


def test_a_faulty_file_ends_in_one_line_with_file_and_line(artemis, tmp_path):
    given = tmp_path / "p.jsonl"
    given.write_text('{"id": "Romanticism/work-0", "answers": ["x"]}\n{"id": "Roma')
    arguments = ["--data", str(artemis), "--predictions", str(given), "--system", "s", "--out", str(tmp_path / "run")]
    with pytest.raises(SystemExit, match=r"p\.jsonl, line 2: this is not whole JSON"):
        main(["score", "artemis", *arguments])
    assert not (tmp_path / "run").exists()


def test_runs_of_two_benchmarks_or_of_one_name_are_not_one_report(artemis, tmp_path):
    first, second = (score(artemis, tmp_path / name, "same", seeing) for name in ("a", "b"))
    with pytest.raises(SystemExit, match="each system may be there once; these are: same, same"):
        main(["report", str(first), str(second), "--out", str(tmp_path / "report")])
    with pytest.raises(SystemExit, match="no run here; expected scores.json and rows.npz"):
        main(["report", str(tmp_path), "--out", str(tmp_path / "report")])


def test_painting_form_is_shown_beside_galleries_rows(tmp_path):
    data, given = tmp_path / "test.json", tmp_path / "p.jsonl"
    tests = [{"image": f"{n}.png", "formal_analysis": "The line leads the eye to a dark centre"} for n in range(3)]
    data.write_text(json.dumps(tests))
    given.write_text(
        "".join(json.dumps({"id": f"{n}.png", "answers": ["The line leads the eye"]}) + "\n" for n in range(3))
    )
    arguments = ["--data", str(data), "--predictions", str(given), "--system", "ours", "--out", str(tmp_path / "run")]
    main(["score", "painting-form", *arguments])
    main(["report", str(tmp_path / "run"), "--out", str(tmp_path / "report")])
    text = (tmp_path / "report" / "report.md").read_text()
    assert "scorer unreleased" in text and "21.23" in text
    ours = next(line for line in text.splitlines() if line.startswith("| **ours**"))
    assert f"{100 * 2 * 5 / 14:.2f}" in ours  # ROUGE-L: five of five and of nine words


@pytest.fixture
def artmm(tmp_path):
    """Our form of ArtMM, two items on each axis, with a system's answers and two people's scores."""
    items, answers, ratings = [], [], [["id", "system", "rater", "score"]]
    for axis in ("IDC", "ISAC", "ICRC", "MDIUC"):
        for number in (1, 2):
            name = f"{axis}/{number}"
            rounds = ["What is it?", "Why?"] if axis == "MDIUC" else ["What is it?"]
            items.append({"id": name, "axis": axis, "picture": "p.jpg", "rounds": rounds})
            answers.append({"id": name, "answers": ["Something."] * len(rounds)})
            ratings += [[name, "ours", "ada", number], [name, "ours", "ben", 3], [name, "theirs", "ada", 5]]
    (tmp_path / "artmm.jsonl").write_text("\n".join(map(json.dumps, items)))
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, answers)))
    with (tmp_path / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows(ratings)
    return tmp_path


def score_artmm(folder, *more):
    arguments = ["--data", str(folder / "artmm.jsonl"), "--predictions", str(folder / "answers.jsonl")]
    main(["score", "artmm", *arguments, "--system", "ours", "--out", str(folder / "run"), *more])


def test_peoples_scores_enter_the_table_beside_printed_and_corrected_ones(artmm):
    score_artmm(artmm, "--people", str(artmm / "people.csv"))
    main(["report", str(artmm / "run"), "--out", str(artmm / "report")])
    text = (artmm / "report" / "report.md").read_text()
    row = next(line for line in text.splitlines() if line.startswith("| **ours**, people"))
    cells = [cell.strip() for cell in row.strip("| ").split("|")[1:]]  # means of (1, 3) and (2, 3)
    assert cells[:4] == ["2.25 [2.00, 2.50], n 2"] * 4
    assert cells[4].startswith("2.25 [") and cells[4].endswith("], n 8")
    assert "| ArtGPT-4 (MiniGPT-4-Vicuna-13B), as printed | 3.80 | 2.80 | 5.00 | 4.00 | 3.90 |" in text
    assert "| ArtGPT-4 (MiniGPT-4-Vicuna-13B), corrected | 3.80 | 2.80 | 3.00 | 4.00 | 3.40 |" in text


def people_jsonl(folder, records):
    (folder / "people.jsonl").write_text("\n".join(map(json.dumps, records)))
    return folder / "people.jsonl"


def test_scores_of_a_rating_session_are_those_of_the_csv(artmm):
    with (artmm / "people.csv").open() as file:
        rows = list(csv.DictReader(file))
    records = [
        {"picture": row["id"], "rubric": row["id"].partition("/")[0], "score": int(row["score"])}
        | {name: row[name] for name in ("system", "rater")}
        | {"comment": "any"}
        for row in rows
    ]
    own = {"picture": "IDC/1", "system": "ours", "rater": "ada", "rubric": "a study's own", "score": 2}
    items = read_artmm_jsonl(artmm / "artmm.jsonl")
    from_jsonl = read_ratings(people_jsonl(artmm, [*records, own]), "ours", items)
    assert from_jsonl == read_ratings(artmm / "people.csv", "ours", items)


def test_a_picture_stands_for_its_item_on_the_rubric(tmp_path):
    items = [Item(f"{axis}-1", "p.jpg", ("What?",), axis=axis) for axis in ("IDC", "ISAC")]
    score = {"picture": "p.jpg", "system": "ours", "rater": "ada", "rubric": "ISAC", "score": 3.5}
    assert read_ratings(people_jsonl(tmp_path, [score]), "ours", items) == {"ISAC-1": [3.5]}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"score": 6}, "line 1: score is 6; it must be a number from 0 to 5"),
        ({"score": float("nan")}, "line 1: score is nan"),
        ({"score": "3"}, "line 1: score is '3'"),
        ({"score": True}, "line 1: score is True"),
        ({"score": None}, "line 1: score is None"),
        ({"picture": "nowhere"}, "line 1: picture 'nowhere' is not asked about on the rubric IDC"),
        ({"picture": "p.jpg"}, "line 1: picture 'p.jpg' has several items on IDC; name one by its id: IDC/1, IDC/2"),
        ({"rater": 7}, "line 1: 'rater' is missing or not a str"),
        ({"system": "theirs"}, "nobody scored the system 'ours'"),
    ],
)
def test_faulty_scores_of_a_rating_session_are_named(artmm, change, message):
    record = {"picture": "IDC/1", "system": "ours", "rater": "ada", "rubric": "IDC", "score": 3}
    path = people_jsonl(artmm, [record | change])
    with pytest.raises(DataError, match=message):
        read_ratings(path, "ours", read_artmm_jsonl(artmm / "artmm.jsonl"))


def test_a_score_that_is_there_twice_is_named(artmm):
    record = {"picture": "IDC/1", "system": "ours", "rater": "ada", "rubric": "IDC", "score": 3}
    with pytest.raises(DataError, match="line 2: rater 'ada' scored 'IDC/1' of 'ours' twice"):
        read_ratings(people_jsonl(artmm, [record, record]), "ours", read_artmm_jsonl(artmm / "artmm.jsonl"))


@pytest.mark.parametrize(
    "row, message",
    [
        (["IDC/1", "ours", "ada", "6"], "line 2: score is 6; it must be a number from 0 to 5"),
        (["IDC/1", "ours", "ada", "good"], "line 2: score is 'good'"),
        (["XYZ/1", "ours", "ada", "3"], "line 2: id 'XYZ/1' is not in the benchmark"),
        (["IDC/1", "theirs", "ada", "3"], "nobody scored the system 'ours'"),
    ],
)
def test_faulty_scores_of_people_are_named(artmm, row, message):
    with (artmm / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "system", "rater", "score"], row])
    with pytest.raises(SystemExit, match=message):
        score_artmm(artmm, "--people", str(artmm / "people.csv"))


def test_artmm_without_judge_or_people_says_what_to_name(artmm):
    with pytest.raises(SystemExit, match="by a judge .* or by people .* name one"):
        score_artmm(artmm)


def test_the_total_is_the_mean_of_the_axes_however_many_pictures_each_has():
    class Fixed:
        model, counts = "fixed", {"asked": 4}

        @staticmethod
        def score(axis, rounds, answers, picture, repeat):
            return Verdict({"IDC": 4, "ISAC": 2, "ICRC": None if repeat else 3, "MDIUC": 5}[axis], "")

    axes = ["IDC"] * 5 + ["ISAC", "ICRC", "MDIUC"]
    pairs = [(Item(str(n), "p", ("?",), axis=axis), Prediction(str(n), ("x",))) for n, axis in enumerate(axes)]
    tables, notes = score_judged(pairs, [None] * 8, Fixed, {}, repeats=3)
    rows = tables["system"].rows
    assert metrics.score("judge_total", rows["judge_total"]) == pytest.approx((4 + 2 + 3 + 5) / 4)
    assert metrics.score("judge_IDC", rows["judge_IDC"]) == 4
    assert "verdicts for each answer: 3" in notes[0]
