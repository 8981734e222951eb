"""The embedded model sees, and says what it sees; the full figures are `python -m train.evaluate_mini`'s."""

import pytest

import artgpt4
from train.embed_mini import embed
from train.evaluate_mini import Examination, evaluate, unseen
from train.evaluate_real import evaluate as evaluate_photographs


@pytest.fixture(scope="module")
def figures():
    """Its figures on 80 unseen pictures: bounds below leave room for so few."""
    return evaluate(artgpt4.load("mini"), count=80, batch_size=80, of_each=2, pool=150)


@pytest.mark.parametrize(
    ("fact", "least"),
    [
        ("subject", 0.95),
        ("leading colour", 0.86),
        ("emotion", 0.80),
        ("brightness", 0.90),
        ("manner", 0.86),
        ("people", 0.78),
    ],
)
def test_names_what_is_in_an_unseen_picture(figures, fact, least):
    assert figures["facts"][fact]["right"] >= least


@pytest.mark.parametrize("fact", ["subject", "leading colour", "emotion", "brightness", "manner"])
def test_falls_to_chance_when_the_picture_is_swapped(figures, fact):
    of_fact = figures["facts"][fact]
    assert of_fact["swapped"] <= max(of_fact["chance"], of_fact["commonest"]) + 0.15


def test_held_out_loss_needs_the_true_picture(figures):
    assert figures["held-out loss, swapped"] - figures["held-out loss"] >= 0.3


def test_every_answer_ends(figures):
    assert figures["answers that end"] == 1


def test_reasons_belong_to_the_emotion_that_was_named(figures):
    assert figures["why names the same emotion"] >= 0.95


def test_most_answers_contradict_nothing(figures):
    assert figures["answers without a contradiction"] >= 0.87


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_it_says_no_as_readily_as_yes(figures, answer):
    asked = [(of[answer], of[f"asked for {answer}"]) for of in figures["things"].values() if of[f"asked for {answer}"]]
    assert sum(right * count for right, count in asked) >= 0.9 * sum(count for _, count in asked)


def test_what_it_does_not_know_it_mostly_does_not_name():
    photographs, _ = evaluate_photographs(artgpt4.load("mini"), artmm=None)
    assert photographs["subject wrong"] <= 0.2
    assert photographs["brightness"] >= 0.75 and photographs["palette F1"] >= 0.7


def test_adapter_is_what_names_emotions():
    # The base has never been told what a picture evokes; its adapter has.
    model = artgpt4.load("mini")
    with model.model.disable_adapter():
        exam = Examination(model, *unseen(40), batch_size=40)
        right = {fact: exam.ask_fact(fact)[0]["right"] for fact in ("subject", "emotion")}
    assert right["subject"] >= 0.75
    assert right["emotion"] <= 0.4


def test_weights_are_small_files(mini_folder):
    sizes = [path.stat().st_size for path in mini_folder.rglob("*.safetensors")]
    assert sizes and max(sizes) < 9e6 and sum(sizes) < 45e6


def test_embedding_an_unfinished_run_writes_nothing(mini_folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="adapter_config.json"):
        embed(mini_folder / "minigpt4", tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()
