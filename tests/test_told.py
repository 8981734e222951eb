"""Stage 2's loss in which words that tell facts weigh more than those around them."""

import json
import sys

import pytest
import torch

from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train import stage2
from train.data import collate, dialogue_sample
from train.loop import token_losses
from train.painter.write import write_cc_sbu_align
from train.told import TOLD_WEIGHT, told_loss, told_weights


@pytest.fixture(scope="module")
def mini(mini_folder):
    folder = mini_folder / "minigpt4"
    return MiniGPT4ForConditionalGeneration.from_pretrained(folder).float(), MiniGPT4Processor.from_pretrained(folder)


def test_emotions_and_what_answers_begin_with_weigh_as_facts_do(mini):
    _, processor = mini
    weights = told_weights(processor.tokenizer)
    told = processor.tokenizer("No, there is no clear horizon. It evokes fear. Yes", add_special_tokens=False).input_ids
    heavy = [processor.tokenizer.decode([i]) for i in told if weights[i] == TOLD_WEIGHT]
    assert heavy == ["No", "horizon", "fear", "Yes"]
    assert all(weights[i] == 1 for i in told if processor.tokenizer.decode([i]) not in heavy)


@torch.inference_mode()
def loss_and_expected(mini, rounds, weighed):
    """The loss of a dialogue, and what it shall be: `weighed(words, weights)` corrects the weights in place."""
    model, processor = mini
    batch = collate([dialogue_sample(None, rounds, processor, has_picture=False)], processor)
    losses, tokens = token_losses(model, batch)
    weights = told_weights(processor.tokenizer)[tokens]
    weighed([processor.tokenizer.decode([i]) for i in tokens], weights)
    loss, figures = told_loss(processor.tokenizer)(model, batch)
    assert figures["unweighted_loss"] == pytest.approx(losses.mean().item(), rel=1e-5)
    return loss.item(), (losses * weights).sum().item()


def test_each_token_counts_as_it_weighs_and_perhaps_as_what_stands_behind_it(mini):
    rounds = [("What is felt?", "It evokes perhaps fear or awe."), ("How is it made?", "It is made perhaps in ink.")]

    def weighed(said, weights):
        first, second = (i for i, word in enumerate(said) if word == "perhaps")
        assert said[first + 1] == "fear" and said[second + 1] == "in"
        weights[first], weights[second] = TOLD_WEIGHT, 1

    loss, expected = loss_and_expected(mini, rounds, weighed)
    assert loss == pytest.approx(expected, rel=1e-5)


def test_the_first_word_of_every_tone_weighs_alike(mini):
    rounds = [
        ("Is it bright?", "It is of middle brightness."),
        ("How warm is it?", "It is perhaps balanced in temperature or warm."),
        ("What is it made of?", "The brightness of it is balanced."),
    ]

    def weighed(said, weights):
        of, perhaps = said.index("of"), said.index("perhaps")
        assert said[of + 1] == "middle" and said[perhaps + 1] == "b" and all(weights[[of, perhaps, perhaps + 1]] == 1)
        weights[[of, perhaps, perhaps + 1]] = TOLD_WEIGHT

    loss, expected = loss_and_expected(mini, rounds, weighed)
    assert loss == pytest.approx(expected, rel=1e-5)


def test_what_stands_behind_a_colour_weighs_as_much_as_the_colour(mini):
    rounds = [("Which colours?", "It holds brown, dark grey and teal."), ("Which leads?", "The brown of it leads.")]

    def weighed(said, weights):
        behind = [i + 1 for i, word in enumerate(said) if word in ("brown", "grey", "teal")]
        assert [said[i] for i in behind] == [",", "and", ".", "of"] and all(weights[behind] == 1)
        weights[behind] = TOLD_WEIGHT

    loss, expected = loss_and_expected(mini, rounds, weighed)
    assert loss == pytest.approx(expected, rel=1e-5)


def test_a_run_that_weighs_facts_logs_both_losses(monkeypatch, mini_folder, tmp_path):
    align = tmp_path / "align"
    write_cc_sbu_align(align, 4, seed=5)
    words = [f"base={mini_folder / 'minigpt4'}", f"cc_sbu_align={align}", f"output={tmp_path / 'run'}"]
    words += ["steps=2", "batch_size=2", "mixed_precision=no", "log_every=1", "weigh_facts=true"]
    monkeypatch.setattr(sys, "argv", ["stage2", *words])
    stage2.main()
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert len(rows) == 2 and all(row["loss"] > row["unweighted_loss"] > 0 for row in rows)


def test_another_language_models_tokenizer_is_refused(converted_reference):
    processor = MiniGPT4Processor.from_pretrained(converted_reference / "minigpt4")
    with pytest.raises(ValueError, match="cuts 'perhaps' into . pieces"):
        told_loss(processor.tokenizer)
