"""Learning from its own answers: what they are worth, how they are drawn, and that better ones become likelier."""

import json
import random
import sys
from dataclasses import replace

import pytest
import torch

import artgpt4
from artgpt4.minigpt4 import MiniGPT4Processor, chat_prompt
from train import tokens as tokens_script
from train import truth
from train.args import ArgumentErrors, parse
from train.data import collate, dialogue_sample
from train.loop import token_loss
from train.methods import load_model
from train.painter import language, sample_painting
from train.painter.language.parse import claims, sentences
from train.painter.write import write_cc_sbu_align
from train.truth import Asked, Learner, TruthArguments, credit, draw_question, sample_answers, sentence_rewards

PICTURES = 14


@pytest.fixture(scope="module")
def arguments(tmp_path_factory, mini_folder):
    """A few painted pictures with their tokens, and what trains the embedded model on them."""
    folder = tmp_path_factory.mktemp("truth")
    write_cc_sbu_align(folder / "pictures", PICTURES, seed=5)
    words = [f"cc_sbu_align={folder / 'pictures'}", f"base={mini_folder / 'minigpt4'}", f"output={folder / 'out'}"]
    words += [f"token_cache={folder / 'tokens'}", "dtype=float32", "mixed_precision=no"]
    tokens_script.main(["stage2", *words, "steps=1"])
    words += [f"adapter={mini_folder / 'artgpt4'}", "steps=2", "batch_size=8", "samples=4", "dialogues=2", "seed=1"]
    return [*words, "gradient_accumulation=3", "log_every=1", "init_lr=1e-3", "warmup_lr=1e-3"]


@pytest.fixture(scope="module")
def args(arguments):
    return parse(TruthArguments, arguments)


@pytest.fixture(scope="module")
def processor(args):
    return MiniGPT4Processor.from_pretrained(args.base)


@pytest.fixture
def model(args):
    return load_model(args)


@pytest.fixture(scope="module")
def asked(args):
    """Questions of several kinds about the pictures."""
    facts = json.loads((args.cc_sbu_align / "facts.json").read_text())
    named = [(str(args.cc_sbu_align / "image" / f"{name}.jpg"), of) for name, of in facts.items()]
    rng = random.Random(0)
    return [draw_question(truth.Facts.from_dict(of), name, rng) for name, of in named * 3]


@pytest.fixture(scope="module")
def painted():
    """The facts of a few paintings."""
    return [sample_painting(number, size=112)[1] for number in range(40)]


def tokens_of(args, model, processor):
    return truth.Tokens(args.token_cache, model.get_base_model(), processor)


def worth(asked, text, ended=True):
    return sum(of_sentence for _, of_sentence in sentence_rewards(asked, text, ended))


@pytest.mark.parametrize("kind", [kind for kind in truth.KINDS if kind != "thing"])
def test_a_composed_answer_is_worth_more_than_the_one_about_another_picture(kind, painted):
    rng = random.Random(kind)
    own, others = [], []
    for facts, other in zip(painted, painted[7:] + painted[:7], strict=True):
        one = Asked(kind, "", facts, [])
        own.append(worth(one, language.answer(kind, facts, rng)))
        others.append(worth(one, language.answer(kind, other, rng)))
    assert min(own) > -0.5
    assert sum(own) / len(own) > sum(others) / len(others) + 0.5


def test_a_claim_pays_only_where_it_is_true_nine_times_in_ten(painted):
    facts = painted[3]
    true = language.answer("leading colour", facts, random.Random(0))
    wrong = next(name for name in ("red", "teal", "pink", "green") if name not in facts.colours)
    more, false = f"{true} There is much {facts.colours[0]}.", f"{true} There is much {wrong}."
    one = Asked("leading colour", "", facts, [])
    gain, loss = worth(one, more) - worth(one, true), worth(one, true) - worth(one, false)
    assert gain > 0 and 0.9 * gain - 0.1 * loss == pytest.approx(0, abs=0.01)
    assert worth(one, f"{more} There is much {facts.colours[0]}.") <= worth(one, more)  # said twice is said once


def test_a_guess_is_worth_less_than_to_leave_two_values_open_and_more_than_that_where_it_is_none(painted):
    facts = replace(painted[3], emotion="fear", rivals={"emotion": "sadness"})
    one = Asked("content", "", facts, [])
    told, left_open = "It evokes fear.", "It evokes either fear or sadness."
    for p, guess_is_better in ((0.99, True), (0.95, True), (0.85, False), (0.6, False)):
        one.facts = replace(facts, sight={"emotion": p, "rival emotion": 0.99 - p})
        assert (worth(one, told) > worth(one, left_open)) == guess_is_better
    # It is as bad a guess where it happens to be right.
    by_luck = replace(facts, sight={"emotion": 0.5, "rival emotion": 0.5})
    assert worth(Asked("content", "", by_luck, []), told) == worth(
        Asked("content", "", by_luck, []), "It evokes sadness."
    )


def test_an_answer_that_does_not_end_or_does_not_answer_is_worth_less(painted):
    facts = painted[3]
    one = Asked("brightness", "", facts, [])
    full = language.answer("brightness", facts, random.Random(0))
    assert worth(one, full, ended=False) < worth(one, full)
    assert worth(one, language.answer("warmth", facts, random.Random(0))) < 0 < worth(one, full)
    assert worth(one, "") < 0


def test_sentences_of_an_answer_claim_together_what_the_answer_claims(painted):
    for number, facts in enumerate(painted[:30]):
        for kind in language.ANSWER:
            text = language.answer(kind, facts, random.Random(number))
            parts = sentences(text)
            assert parts[-1][0] == len(text)
            if kind != "page":  # whose code belongs to no sentence
                assert [claim for _, part in parts for claim in claims(part)] == claims(text)


def test_a_sentence_answers_for_itself_and_for_what_follows():
    text = "It is blue. It is dark. It is a cat."
    ends = list(zip([end for end, _ in sentences(text)], [1.0, -1.0, 0.5], strict=True))
    words = text.split(" ")
    of_token, to_come = credit(list(range(len(words))), lambda ids: " ".join(words[: len(ids)]), ends)
    assert to_come == [0.5, -0.5, 0.5]
    assert of_token == [0, 0, 0, 1, 1, 1, 2, 2, 2, 2]


def test_answers_are_drawn_as_the_model_generates_them(monkeypatch, args, model, processor, asked):
    # Drawing the likeliest token each time must give what greedy generation gives, one question at a time.
    monkeypatch.setattr(torch, "multinomial", lambda chances, _: chances.argmax(1, keepdim=True))
    tokens, asked = tokens_of(args, model, processor), asked[:5]
    prompts = [chat_prompt(one.rounds) for one in asked]
    query_output = torch.stack([tokens.get(one.name) for one in asked])
    drawn = sample_answers(model.get_base_model(), processor, prompts, query_output, 2)
    assert drawn[::2] == drawn[1::2]
    for i, ids in enumerate(drawn[::2]):
        inputs = processor(text=prompts[i])
        inputs["query_output"] = query_output[i : i + 1]
        greedy = model.generate(**inputs, do_sample=False, max_new_tokens=len(ids), eos_token_id=ids[-1])
        assert greedy[0, : len(ids)].tolist() == ids


def test_sharing_the_prompt_gives_the_gradients_of_whole_dialogues(args, model, processor, asked):
    # With all weights 1 it is the plain loss of prompt and answer, each computed as a whole.
    tokens, asked = tokens_of(args, model, processor), asked[:4]
    torch.manual_seed(0)
    batches = list(truth.answered(model.get_base_model(), processor, tokens, asked, 3, 2))
    learner = Learner(model, 1.0)
    shared = 0.0
    for batch in batches:
        loss, _ = learner(batch | {"weights": torch.ones(batch["weights"].shape)})
        loss.backward()
        shared += float(loss)
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    model.zero_grad()
    whole = 0.0
    for batch in batches:
        for row, labels in enumerate(batch["labels"]):
            of = row // 3
            prompt = batch["input_ids"][of][batch["attention_mask"][of] == 1]
            ids = labels[labels != -100]
            one = {
                "query_output": batch["query_output"][of : of + 1],
                "input_ids": torch.cat([prompt, ids])[None],
                "attention_mask": torch.ones(1, len(prompt) + len(ids), dtype=torch.long),
                "labels": torch.cat([torch.full_like(prompt, -100), ids])[None],
            }
            loss, _ = token_loss(model, one)
            loss.backward()
            whole += float(loss)
    assert shared == pytest.approx(whole, rel=1e-4)
    assert gradients
    for name, parameter in model.named_parameters():
        if name in gradients:
            torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-3, atol=1e-3)


def test_an_answer_is_measured_by_the_others_to_its_question(args, model, processor, asked):
    tokens = tokens_of(args, model, processor)
    torch.manual_seed(0)
    for batch in truth.answered(model.get_base_model(), processor, tokens, asked[:4], 4, 2):
        first = batch["weights"][:, 0].view(-1, 4)
        # What leads to the whole answer is weighed by its whole worth: over a question's answers that sums to nothing.
        torch.testing.assert_close(first.sum(1), torch.zeros(len(first)), atol=1e-5, rtol=0)
        assert (batch["weights"][batch["labels"] == -100] == 0).all()


def test_what_was_better_than_usual_becomes_likelier(args, model, processor, asked):
    tokens = tokens_of(args, model, processor)
    torch.manual_seed(1)
    batch = next(truth.answered(model.get_base_model(), processor, tokens, asked[:4], 4, 1))
    learner = Learner(model, 1.0)
    trained = [p for p in model.parameters() if p.requires_grad]
    before, _ = learner(batch)
    gradients = torch.autograd.grad(before, trained, allow_unused=True)
    with torch.no_grad():
        for parameter, gradient in zip(trained, gradients, strict=True):
            if gradient is not None:
                parameter -= 1e-5 * gradient
        after, _ = learner(batch)
    assert after < before  # the sum of -log p times weight


def test_it_trains_and_what_it_leaves_can_be_talked_with(monkeypatch, arguments, args, tmp_path):
    monkeypatch.setattr(sys, "argv", ["truth", *arguments])
    truth.main()
    rows = [json.loads(line) for line in (args.output / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [1, 2]
    assert {"worth", "dialogue_loss", "nats_per_token"} <= set(rows[0])
    trained = artgpt4.load(str(args.output / "final"))
    before = artgpt4.load("mini")
    changed = [
        not torch.equal(a, b) for a, b in zip(trained.model.parameters(), before.model.parameters(), strict=True)
    ]
    assert any(changed) and not all(changed)


def test_dialogues_count_by_their_weight(args, model, processor, asked):
    tokens, one = tokens_of(args, model, processor), asked[0]
    sample = dialogue_sample(one.name, language.dialogue(one.facts, random.Random(0), True), processor)
    batch = collate([sample | {"name": one.name, "draw": 0}], processor, tokens)
    with torch.no_grad():
        whole, half = (Learner(model, weight)(batch)[0] for weight in (1.0, 0.5))
    torch.testing.assert_close(half, whole / 2)


def test_what_is_missing_is_said_at_once(arguments):
    with pytest.raises(ArgumentErrors) as found:
        parse(TruthArguments, ["output=o", "steps=1", "base=b", "samples=1"])
    for name in ("adapter=", "cc_sbu_align=", "token_cache=", "samples=1", "gradient_accumulation=1"):
        assert f"  - {name}" in str(found.value)


def test_what_it_cannot_do_it_refuses(arguments):
    refused = ("resume=auto", "token_crops=2", "batch_size=9", "dialogues=0")
    with pytest.raises(ArgumentErrors) as found:
        parse(TruthArguments, [*arguments, *refused])
    for word in refused:
        assert f"  - {word}" in str(found.value)


def test_questions_that_cannot_be_shared_evenly_are_refused(monkeypatch, arguments):
    monkeypatch.setattr(sys, "argv", ["truth", *arguments, "batch_size=12"])
    with pytest.raises(ValueError, match="3 questions and 2 dialogues cannot be shared evenly by 1 processes"):
        truth.main()
