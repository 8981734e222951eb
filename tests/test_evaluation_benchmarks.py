"""Readers: the published forms are read as they are, and what is wrong in a file is named with its line."""

import csv
import json
import unicodedata

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from artgpt4.evaluation import benchmarks
from artgpt4.evaluation.benchmarks import Annotation, DataError, Item, Prediction

V1 = ["art_style", "painting", "emotion", "utterance", "repetition"]
CONTRASTIVE = ["emotion", "utterance", "art_style", "painting", "anchor_art_style", "anchor_painting", "repetition"]


def write_csv(path, header, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def write_lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


# ArtEmis


@pytest.fixture(scope="module")
def annotations():
    """As many works as ArtEmis v1 has, 701 of them annotated 41 times or more."""
    return [Annotation(2, f"style {index % 27}", f"work {index}", "awe", "u", 41 if index < 701 else 5)
            for index in range(80_031)]  # fmt: skip


def test_artemis_v1_split_has_the_published_sizes(annotations):
    sizes = {part: len(ids) for part, ids in benchmarks.artemis_split(annotations).items()}
    assert sizes == {"train": 67_430, "val": 3_967, "test": 7_933, "rest": 701}


def test_artemis_split_is_scikit_learns(annotations):
    few = annotations[:1500]
    ids = np.array(sorted(a.art_style + a.painting for a in few if a.repetition < 41))
    train, later = train_test_split(ids, test_size=0.05 + 0.1, random_state=2021)
    val, test = train_test_split(later, test_size=round(0.1 * len(ids)), random_state=2021)
    ours = benchmarks.artemis_split(few)
    for part, theirs in (("train", train), ("val", val), ("test", test)):
        assert {name.replace("/", "") for name in ours[part]} == set(theirs)


def test_artemis_split_is_saved_and_read_as_lists(tmp_path, annotations):
    split = benchmarks.artemis_split(annotations[690:900])
    benchmarks.write_split(split, tmp_path)
    assert {part: benchmarks.read_ids(tmp_path / f"{part}.txt") for part in split} == split


def test_artemis_v1_has_the_published_class_shares(tmp_path):
    mix = {"awe": 3000, "contentment": 3203, "fear": 1633, "sadness": 1000, "something else": 1164}
    rows = [
        ["Cubism", f"work {i}", emotion, "It is, so to say, blue.", 5] for emotion, n in mix.items() for i in range(n)
    ]
    items = benchmarks.artemis_items(benchmarks.read_annotations(write_csv(tmp_path / "a.csv", V1, rows)))
    shares = benchmarks.class_shares(items)
    assert {name: round(share, 3) for name, share in shares.items()} == {
        "positive": 0.620,
        "negative": 0.263,
        "other": 0.116,
    }


def test_all_that_was_said_about_a_painting_becomes_one_item(tmp_path):
    rows = [
        ["Cubism", "guitar", "awe", "first, with a comma", 2],
        ["Realism", "guitar", "fear", "another style", 1],
        ["Cubism", "guitar", "sadness", 'second\n"quoted"', 2],
    ]
    items = benchmarks.artemis_items(benchmarks.read_annotations(write_csv(tmp_path / "a.csv", V1, rows)))
    assert [item.id for item in items] == ["Cubism/guitar", "Realism/guitar"]
    assert items[0].references == ("first, with a comma", 'second\n"quoted"')
    assert items[0].emotions == ("awe", "sadness")
    assert items[0].picture == "Cubism/guitar.jpg"


def test_contrastive_and_combined_files_agree_with_v1_on_a_name_with_accents(tmp_path):
    name = "édouard-manet_café"
    v1 = write_csv(tmp_path / "v1.csv", V1, [["Realism", unicodedata.normalize("NFC", name), "awe", "u", 5]])
    row = ["awe", "u", "Realism", unicodedata.normalize("NFD", name), "Realism", "anchor", 5]
    contrastive = write_csv(tmp_path / "c.csv", CONTRASTIVE, [row])
    combined = write_csv(tmp_path / "combined.csv", [*CONTRASTIVE, "version"], [[*row, "new"]])
    ids = {benchmarks.artemis_items(benchmarks.read_annotations(path))[0].id for path in (v1, contrastive, combined)}
    assert len(ids) == 1


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_pictures_are_found_with_composed_and_decomposed_accents(tmp_path, form):
    (tmp_path / "Realism").mkdir()
    name = unicodedata.normalize(form, "café")
    (tmp_path / "Realism" / f"{name}.jpg").touch()
    item = benchmarks.artemis_items([Annotation(2, "Realism", "café", "awe", "u", 5)])[0]
    assert benchmarks.picture_files([item], tmp_path, "a.csv") == [tmp_path / "Realism" / f"{name}.jpg"]


def test_missing_pictures_are_counted_and_named_with_their_lines(tmp_path):
    items = [Item(f"{n}", f"{n}.jpg", ("?",), line=n) for n in range(2, 9)]
    with pytest.raises(DataError, match=r"a\.csv, line 2: 7 pictures are not in .*2\.jpg \(line 2\), .*, \.\.\."):
        benchmarks.picture_files(items, tmp_path, "a.csv")


@pytest.mark.parametrize(
    "header, row, message",
    [
        (
            ["art_style", "painting"],
            ["a", "b"],
            r"line 1: missing columns: emotion, utterance, repetition; found: art_",
        ),
        (V1, ["a", "b", "joy", "u", 5], r"line 3: emotion 'joy' is unknown; the nine are: amusement, awe,"),
        (V1, ["a", "b", "awe", "", 5], r"line 3: nothing in: utterance"),
        (V1, ["a", "b", "awe"], r"line 3: nothing in: utterance, repetition"),
        (V1, ["a", "b", "awe", "u", "many"], r"line 3: repetition is 'many'; it must be a whole number"),
    ],
)
def test_a_faulty_artemis_row_is_named_with_its_line(tmp_path, header, row, message):
    good = ["Cubism", "guitar", "awe", "fine", 5]
    path = write_csv(tmp_path / "a.csv", header, [good[: len(header)], row])
    with pytest.raises(DataError, match=r"a\.csv, " + message):
        benchmarks.read_annotations(path)


def test_lines_are_counted_through_fields_of_several_lines(tmp_path):
    rows = [["a", "b", "awe", "two\nlines", 5], ["a", "b", "bliss", "u", 5]]
    with pytest.raises(DataError, match="line 4: emotion 'bliss'"):
        benchmarks.read_annotations(write_csv(tmp_path / "a.csv", V1, rows))


def test_a_half_written_artemis_row_is_not_taken_for_a_whole_one(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(V1) + '\na,b,awe,u,5\na,b,awe,"cut off', encoding="utf-8")
    with pytest.raises(DataError, match="line 3: this row cannot be read .* half written"):
        benchmarks.read_annotations(path)


def test_an_id_of_a_list_that_is_twice_or_unknown_is_named(tmp_path):
    path = tmp_path / "test.txt"
    path.write_text("a/b\nc/d\na/b\n")
    with pytest.raises(DataError, match=r"line 3: id 'a/b' is there twice, first on line 1"):
        benchmarks.read_ids(path)
    with pytest.raises(DataError, match="1 ids are not in the benchmark, among them c/d"):
        benchmarks.select([Item("a/b", "a/b.jpg", ("?",))], ["a/b", "c/d"], path)


# ArtMM


@pytest.fixture
def evaluation(tmp_path):
    """A folder with the published layout: numbered lists inside an answer, several paragraphs, and the slip `B:`."""
    for axis in ("IDC", "MDIUC"):
        (tmp_path / axis).mkdir()
    (tmp_path / "IDC" / "1.jpg").touch()
    (tmp_path / "IDC" / "2.webp").touch()
    (tmp_path / "MDIUC" / "1.jpg").touch()
    (tmp_path / "IDC" / "Answer.txt").write_text(
        "1.\nA:A vase.\n\nTwo things stand out:\n\n1. the light\n\n2.\nthe table\n\nM:A pot.\n\n\n\n2.\n"
        "A: A woman\nM: A person\n"
    )
    (tmp_path / "MDIUC" / "Answer1.txt").write_text(
        "What is it?\n\nA:A hero.\n\nReally, a hero.\n\nM:A man.\n\n\nWhy?\n\nA:The shield.\n\nB:The suit."
    )
    return tmp_path


def test_the_published_folder_is_read_with_both_systems_answers(evaluation):
    items, predictions = benchmarks.read_artmm_folder(evaluation)
    assert [(item.id, item.picture, item.axis) for item in items] == [
        ("IDC/1", "IDC/1.jpg", "IDC"),
        ("IDC/2", "IDC/2.webp", "IDC"),
        ("MDIUC/1", "MDIUC/1.jpg", "MDIUC"),
    ]
    assert items[2].rounds == ("What is it?", "Why?")
    ours, theirs = predictions["ArtGPT-4"], predictions["MiniGPT-4"]
    assert ours[0].answers == ("A vase.\n\nTwo things stand out:\n\n1. the light\n\n2.\nthe table",)
    assert theirs[0].answers == ("A pot.",)
    assert ours[2].answers == ("A hero.\n\nReally, a hero.", "The shield.")
    assert theirs[2].answers == ("A man.", "The suit.")


def test_an_answer_file_with_a_missing_answer_is_named_with_its_line(evaluation):
    (evaluation / "IDC" / "Answer.txt").write_text("1.\nA:A vase.\n\nM:A pot.\n\n2.\nA:A woman\n")
    with pytest.raises(DataError, match=r"Answer\.txt, line 6: '2\.' must be followed by one answer `A:` and one `M:`"):
        benchmarks.read_artmm_folder(evaluation)


def test_a_folder_without_answers_is_said_to_be_so(tmp_path):
    with pytest.raises(DataError, match="no answer file; expected IDC/Answer.txt"):
        benchmarks.read_artmm_folder(tmp_path)


def test_artmm_goes_through_our_jsonl_unchanged(evaluation, tmp_path):
    items, _ = benchmarks.read_artmm_folder(evaluation)
    benchmarks.write_artmm_jsonl(items, tmp_path / "artmm.jsonl")
    again = benchmarks.read_artmm_jsonl(tmp_path / "artmm.jsonl")
    assert [(i.id, i.axis, i.picture, i.rounds) for i in again] == [(i.id, i.axis, i.picture, i.rounds) for i in items]


@pytest.mark.parametrize(
    "record, message",
    [
        ({"id": "x", "axis": "ABC", "picture": "p", "rounds": ["?"]}, "axis 'ABC' is unknown; the four are: IDC, ISAC"),
        (
            {"id": "x", "axis": "IDC", "rounds": ["?"]},
            "'picture' is missing or not a str; found only: id, axis, rounds",
        ),
        ({"id": "x", "axis": "IDC", "picture": "p", "rounds": []}, "'rounds' must be a list of texts"),
        ({"id": "good", "axis": "IDC", "picture": "p", "rounds": ["?"]}, "id 'good' is there twice, first on line 1"),
    ],
)
def test_a_faulty_artmm_line_is_named(tmp_path, record, message):
    good = {"id": "good", "axis": "IDC", "picture": "p", "rounds": ["?"]}
    with pytest.raises(DataError, match=r"m\.jsonl, line 2: " + message):
        benchmarks.read_artmm_jsonl(write_lines(tmp_path / "m.jsonl", good, record))


# PaintingForm


def test_painting_form_tests_are_read(tmp_path):
    path = tmp_path / "test.json"
    path.write_text(json.dumps([{"image": "images/0.png", "formal_analysis": "The line leads."}]))
    item = benchmarks.read_painting_form(path)[0]
    assert (item.id, item.picture, item.references) == ("images/0.png", "images/0.png", ("The line leads.",))


@pytest.mark.parametrize(
    "text, message",
    [
        ('[{"image": "a", "formal', "line 1: this is not JSON"),
        ('{"image": "a"}', "expected a list of"),
        ('[{"image": "a"}]', "record 1: 'formal_analysis' is missing"),
        (
            '[{"image": "a", "formal_analysis": "x"}, {"image": "a", "formal_analysis": "y"}]',
            "record 2: image 'a' is th",
        ),
    ],
)
def test_a_faulty_painting_form_file_is_named(tmp_path, text, message):
    path = tmp_path / "test.json"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        benchmarks.read_painting_form(path)


# Predictions


def test_predictions_are_read_with_errors_and_emotions(tmp_path):
    path = write_lines(
        tmp_path / "p.jsonl",
        {"id": "a", "answers": ["x"], "system": "s", "emotion": {"awe": 0.25, "fear": 0.75}, "seed": 3},
        {"id": "b", "error": "this picture is damaged"},
    )
    assert benchmarks.read_predictions(path) == [
        Prediction("a", ("x",), {"awe": 0.25, "fear": 0.75}, None, "s"),
        Prediction("b", (), None, "this picture is damaged"),
    ]


@pytest.mark.parametrize(
    "line, message",
    [
        ('{"id": "b", "answers": ["cut o', "this is not whole JSON .* half written"),
        ('["b"]', "expected one JSON object per line"),
        ('{"answers": ["x"]}', "'id' is missing or not a str; found only: answers"),
        ('{"id": "b", "text": "x"}', "'answers' is missing or not a list; found only: id, text"),
        ('{"id": "a", "answers": ["x"]}', "id 'a' is there twice, first on line 1"),
        ('{"id": "b", "answers": ["x"], "emotion": "joy"}', "emotion 'joy' is unknown"),
        ('{"id": "b", "answers": ["x"], "emotion": {"awe": 0.5}}', "must be from 0 to 1 and sum to 1"),
    ],
)
def test_a_faulty_prediction_is_named_with_its_line(tmp_path, line, message):
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": "a", "answers": ["x"]}\n' + line)
    with pytest.raises(DataError, match=r"p\.jsonl, line 2: .*" + message):
        benchmarks.read_predictions(path)


def test_predictions_must_be_of_the_items_and_of_all_of_them():
    items = [Item("a", "a.jpg", ("?", "?"))]
    with pytest.raises(DataError, match="1 items have no prediction, among them a"):
        benchmarks.match(items, [], "p.jsonl")
    with pytest.raises(DataError, match="1 predictions are of no item, among them b"):
        benchmarks.match(items, [Prediction("a", ("x", "y")), Prediction("b", ("x",))], "p.jsonl")
    with pytest.raises(DataError, match="'a' has 1 answers for 2 questions"):
        benchmarks.match(items, [Prediction("a", ("x",))], "p.jsonl")


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(DataError, match="none.csv: there is no such file"):
        benchmarks.read_annotations(tmp_path / "none.csv")
