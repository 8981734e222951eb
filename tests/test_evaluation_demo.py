"""The demo: every offline step on the embedded model and our own pictures."""

import csv
import json
import re
from pathlib import Path

import pytest

from artgpt4.evaluation.__main__ import main
from artgpt4.evaluation.demo_judge import rule_judge
from artgpt4.evaluation.judge import Judge
from artgpt4.evaluation.report import write_examples
from artgpt4.evaluation.scoring import read_run

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    main(["demo", "--out", str(folder)])
    return folder


def test_both_systems_answer_every_example_picture(folder):
    for system in ("artgpt-4-mini", "minigpt-4-mini"):
        run = read_run(folder / system)
        assert len(run.tables["system"].ids) == len(list(EXAMPLES.glob("*.jpg"))) == 20
        assert not run.about["errors"]
    files = [folder / system / "predictions.jsonl" for system in ("artgpt-4-mini", "minigpt-4-mini")]
    adapters = [path.read_text().count('"adapter": true') for path in files]
    assert adapters == [20, 0]


def test_the_report_has_both_systems_their_controls_and_the_published_rows(folder):
    text = (folder / "report" / "report.md").read_text()
    for said in ("ArtGPT-4 mini minus MiniGPT-4 mini", "control: a person left out", "are no survey", "VisualGPT"):
        assert said in text
    assert "# Published tables" in (folder / "published.md").read_text()


def test_the_report_is_there_for_a_browser_with_its_plots(folder):
    for report in ("report", "artmm/report", "artmm/report-pairs"):
        page = (folder / report / "report.html").read_text()
        plots = re.findall(r'<img src="([^"]*)"', page)
        assert plots and all((folder / report / plot).is_file() for plot in plots)
        assert page.count("<table>") == len(re.findall(r"^\| ---", (folder / report / "report.md").read_text(), re.M))


def test_both_systems_say_how_likely_each_emotion_is(folder):
    for system in ("artgpt-4-mini", "minigpt-4-mini"):
        assert "emotion_cross_entropy" in read_run(folder / system).tables["system"].rows
    assert (folder / "report" / "emotion_confusion_2.png").is_file()


def test_the_controls_show_why_the_papers_distance_is_no_goal(folder):
    with (folder / "report" / "scores.csv").open() as file:
        score = {(row["row"], row["metric"]): float(row["score"]) for row in csv.DictReader(file)}
    constant, person = "control: one cheerful sentence for every picture", "control: a person left out"
    assert score[constant, "vader_paper_absdiff"] > score[person, "vader_paper_absdiff"]
    assert score[constant, "vader_similarity"] < score[person, "vader_similarity"]


def test_the_judge_is_named_as_a_rule_and_its_report_comes_from_the_record(folder):
    judged = read_run(folder / "artmm" / "minigpt-4-mini")
    assert any("rule and no model" in note for note in judged.about["notes"])
    assert any("12 replayed" in note for note in judged.about["notes"])  # 4 axes, 3 pictures
    text = (folder / "artmm" / "report" / "report.md").read_text()
    for said in ("**MiniGPT-4 mini**, judge rule-not-a-model", "rule and no model", "as printed", "corrected"):
        assert said in text
    assert "preferred_total" in (folder / "artmm" / "report-pairs" / "report.md").read_text()
    records = [json.loads(line) for line in (folder / "artmm" / "judge.jsonl").read_text().splitlines()]
    assert {record["model"] for record in records} == {"rule-not-a-model"}


def test_the_rule_counts_different_words_in_the_answers_alone(tmp_path):
    picture = EXAMPLES / "shapes.jpg"
    with rule_judge() as url:
        judge = Judge("rule", tmp_path / "judge.jsonl", url)
        twelve = " ".join(f"word{number}" for number in range(12))
        assert judge.score("MDIUC", ("a", "b"), (twelve, f"{twelve} again and again"), picture).score == 2
        assert judge.score("IDC", ("a much longer question than its answer is",), ("No.",), picture).score == 0
        assert judge.compare("IDC", ("a",), (twelve,), ("No.",), picture) == 1
        assert judge.compare("IDC", ("a",), ("No.",), (twelve,), picture) == 0


def test_the_examples_page_needs_no_other_file(folder):
    page = (folder / "report" / "examples.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 20
    assert "are no survey" in page
    assert all(link.startswith("data:") for link in re.findall(r"""(?:src|href)=["']?([^"'>]*)""", page))


def test_the_examples_page_shows_text_as_text_and_names_a_picture_that_is_not_there(folder, tmp_path):
    run = read_run(folder / "artgpt-4-mini")
    run.about["examples"] = run.about["examples"][:1]
    run.about["examples"][0] |= {"answers": ["<script>alert(1)</script>"], "picture": "nowhere.jpg"}
    page = write_examples([run], tmp_path, tmp_path / "page.html").read_text()
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "nowhere.jpg" in page
