"""p(emotion | picture), and any other choice by likelihood."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import artgpt4
from artgpt4.chat import ChatError
from artgpt4.emotions import EMOTION_QUESTION, EMOTIONS, emotion_probabilities
from artgpt4.images import open_picture
from artgpt4.likelihood import candidate_probabilities
from artgpt4.minigpt4 import chat_prompt
from train.calibrate import fit, tempered
from train.evaluate_mini import FIRST_SEED
from train.painter import sample_painting

PICTURE = sorted((Path(__file__).parents[1] / "examples").glob("*.jpg"))[0]
CANDIDATES = {
    "awe": ("It evokes awe", "The mood is majestic, and it evokes awe"),
    "fear": ("It evokes fear",),
    "something else": ("It evokes something else", "I cannot say what it evokes"),
}


@pytest.fixture(scope="module")
def model():
    return artgpt4.load("mini", device="cpu")


@torch.inference_mode()
def one_by_one(model, text):
    """Log-probability that the answer begins so, by one whole pass without cache or padding."""
    prompt = chat_prompt([(EMOTION_QUESTION, None)])
    ids, start = model.processor.tokenize(f"{prompt} {text}"), len(model.processor.tokenize(prompt))
    pixel_values = model.processor.pixel_values([open_picture(PICTURE)])
    logits = model.model(input_ids=torch.tensor([ids]), pixel_values=pixel_values).logits[0].double().log_softmax(-1)
    return sum(logits[place - 1, ids[place]].item() for place in range(start, len(ids)))


def test_cached_and_batched_candidates_equal_a_whole_pass_for_each(model):
    weights = {label: sum(math.exp(one_by_one(model, text)) for text in texts) for label, texts in CANDIDATES.items()}
    expected = {label: weight / sum(weights.values()) for label, weight in weights.items()}
    found = candidate_probabilities(model, PICTURE, EMOTION_QUESTION, CANDIDATES)
    assert list(found) == list(CANDIDATES)
    assert found == pytest.approx(expected, rel=1e-3)


def test_more_candidates_than_a_batch_change_nothing_between_two(model):
    many = [f"It evokes {word}" for word in EMOTIONS] + [f"There are {number} of them" for number in range(40)]
    few = candidate_probabilities(model, PICTURE, EMOTION_QUESTION, many[:2])
    all_of_them = candidate_probabilities(model, PICTURE, EMOTION_QUESTION, many)
    ratio = math.log(all_of_them[many[0]] / all_of_them[many[1]])
    assert ratio == pytest.approx(math.log(few[many[0]] / few[many[1]]), abs=1e-3)


def test_emotions_sum_to_one_and_a_conversation_gives_its_pictures(model):
    conversation = model.start(PICTURE)
    for _ in conversation.ask("Is it a portrait?", temperature=0, max_new_tokens=4):
        pass
    from_picture, from_conversation = emotion_probabilities(model, PICTURE), emotion_probabilities(conversation)
    assert tuple(from_picture) == EMOTIONS
    assert sum(from_picture.values()) == pytest.approx(1)
    assert from_conversation == pytest.approx(from_picture, abs=1e-5)


def test_a_temperature_flattens_and_leaves_the_order(model, monkeypatch):
    monkeypatch.setattr(model, "emotion_temperature", 1.0)
    plain = emotion_probabilities(model, PICTURE)
    monkeypatch.setattr(model, "emotion_temperature", 2.0)
    flat = emotion_probabilities(model.start(PICTURE))
    assert sorted(flat, key=flat.get) == sorted(plain, key=plain.get)
    assert sum(flat.values()) == pytest.approx(1) and max(flat.values()) < max(plain.values())
    assert flat["awe"] / flat["fear"] == pytest.approx((plain["awe"] / plain["fear"]) ** 0.5, rel=1e-3)


def test_calibration_finds_how_much_too_sure_a_model_is():
    draw = np.random.default_rng(0)
    so = draw.dirichlet([0.4] * 9, size=4000)
    true = np.array([draw.choice(9, p=row) for row in so])
    assert fit(tempered(so, 1 / 1.8), true) == pytest.approx(1.8, rel=0.06)
    assert fit(so, true) == pytest.approx(1, rel=0.06)


def test_the_likeliest_emotion_is_mostly_the_painted_one(model):
    painted = [sample_painting(FIRST_SEED + index) for index in range(24)]
    found = [emotion_probabilities(model, Image.fromarray(image)) for image, _ in painted]
    right = sum(
        max(of_picture, key=of_picture.get) == facts.emotion
        for of_picture, (_, facts) in zip(found, painted, strict=True)
    )
    assert right >= 16


@pytest.mark.parametrize(
    ("candidates", "said"),
    [(["awe"], "two different"), (["awe", " "], "none that is empty"), ({"awe": ["awe"], "fear": []}, "'fear'")],
)
def test_candidates_that_cannot_be_compared_are_named(model, candidates, said):
    with pytest.raises(ValueError, match=said):
        candidate_probabilities(model, PICTURE, "Which?", candidates)


def test_too_much_text_and_a_closed_conversation_are_refused(model):
    with pytest.raises(ValueError, match="the model reads"):
        candidate_probabilities(model, PICTURE, "why " * 600, ["awe", "fear"])
    conversation = model.start(PICTURE)
    with pytest.raises(ValueError, match="a conversation alone"):
        candidate_probabilities(conversation, PICTURE, "Which?", ["awe", "fear"])
    conversation.close()
    with pytest.raises(ChatError, match="closed"):
        emotion_probabilities(conversation)
