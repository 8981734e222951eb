"""Several pictures in one conversation: the model is given exactly those it was shown, in their order."""

import pytest
import torch
from PIL import Image

from artgpt4 import load
from artgpt4.chat import ChatError, ChatModel, Round
from artgpt4.emotions import emotion_probabilities
from artgpt4.images import PictureError
from artgpt4.minigpt4 import IMAGE_TOKEN_ID, chat_prompt

GREEDY = {"temperature": 0, "max_new_tokens": 8}
RED, BLUE = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")


@pytest.fixture(scope="module")
def loaded(converted_reference) -> ChatModel:
    return load(str(converted_reference), device="cpu")


@pytest.fixture
def model(loaded) -> ChatModel:
    return ChatModel(loaded.model, loaded.processor, "toy")


def answer(stream) -> str:
    *_, last = ["", *stream]
    return last


def full_logits(model, pictures, prompt):
    """What the model gives for the next token when it reads everything at once, from the pixels on."""
    ids = torch.tensor([model.processor.tokenize(prompt)])
    with torch.inference_mode():
        return model.base(ids, model.processor.pixel_values(pictures)).logits[0, -1]


def test_cached_round_with_two_pictures_equals_full_prefill(model):
    conversation = model.start(RED)
    answer(conversation.ask("What is it?", **GREEDY))
    conversation.add_picture(BLUE)
    answer(conversation.ask("Which is sadder?", **GREEDY))
    dialogue = [(round.question, round.answer) for round in conversation.rounds]
    prompt = chat_prompt([*dialogue, ("Why?", None)], [1, 2, 2])
    cached = conversation._forward(model.processor.tokenize(prompt))
    assert torch.allclose(cached, full_logits(model, [RED, BLUE], prompt), atol=1e-4)
    assert not torch.allclose(cached, full_logits(model, [BLUE, RED], prompt), atol=1e-4)


def test_a_round_after_a_second_picture_computes_only_what_is_new(model, monkeypatch):
    conversation = model.start(RED)
    answer(conversation.ask("What is it?", **GREEDY))
    conversation.add_picture(BLUE)
    lengths, forward = [], model.base.language_model.forward

    def counted(*args, **kwargs):
        lengths.append(kwargs["inputs_embeds"].shape[1])
        return forward(*args, **kwargs)

    monkeypatch.setattr(model.base.language_model, "forward", counted)
    said = conversation.rounds[0]
    answer(conversation.ask("Which is sadder?", **GREEDY))
    first = model.processor.tokenize(chat_prompt([(said.question, None)]))
    both = model.processor.tokenize(chat_prompt([(said.question, said.answer), ("Which is sadder?", None)], [1, 2]))
    assert both.count(IMAGE_TOKEN_ID) == 2 * first.count(IMAGE_TOKEN_ID)
    assert lengths[0] <= len(both) - len(first) + 1  # the prompt's last token may be another one before an answer
    assert set(lengths[1:]) == {1}


def test_undo_and_retry_show_the_added_picture_again(model):
    conversation = model.start(RED)
    answer(conversation.ask("What is it?", **GREEDY))
    conversation.add_picture(BLUE)
    said = answer(conversation.ask("Which is sadder?", **GREEDY))
    assert answer(conversation.retry(**GREEDY)) == said
    conversation.undo()
    assert answer(conversation.ask("Which is sadder?", **GREEDY)) == said
    assert [round.pictures for round in conversation.rounds] == [1, 2]


def test_beams_read_both_pictures(model):
    greedy, beams = model.start(RED), model.start(RED)
    for conversation in (greedy, beams):
        conversation.add_picture(BLUE)
    said = answer(greedy.ask("Which is sadder?", **GREEDY))
    # A repetition penalty of next to nothing leaves the search as it is; one beam of two must find what greedy finds or
    # better, so it is the number of placeholders and queries that this holds: a mismatch raises.
    assert answer(beams.ask("Which is sadder?", num_beams=2, **GREEDY)) and said


def test_pictures_outlast_rounds_that_are_left_out(model, monkeypatch):
    conversation = model.start(RED)
    conversation.rounds = [Round("What is it?", "It is red. " * 20)]
    conversation.add_picture(BLUE)
    rounds = [*conversation.rounds, Round("Which is sadder?", pictures=2)]
    monkeypatch.setattr(model, "max_length", 150)
    ids, left_out = conversation._prompt_ids(rounds, 8)
    assert left_out == 1
    assert ids == model.processor.tokenize(chat_prompt([("Which is sadder?", None)], [2]))


def test_emotions_are_told_for_each_picture_alone(model):
    conversation = model.start(RED)
    conversation.add_picture(BLUE)
    alone = [emotion_probabilities(model, picture) for picture in (RED, BLUE)]
    for index, expected in enumerate(alone):
        assert emotion_probabilities(conversation.about(index)) == pytest.approx(expected, abs=1e-5)
    assert emotion_probabilities(conversation) == pytest.approx(alone[0], abs=1e-5)


def test_a_picture_that_cannot_be_used_changes_nothing(model):
    conversation = model.start(RED)
    with pytest.raises(PictureError):
        conversation.add_picture(b"no picture")
    assert len(conversation.pictures) == 1
    with pytest.raises(ChatError, match="no picture 2"):
        conversation.about(1)


def test_nothing_is_added_to_a_closed_conversation(model):
    conversation = model.start(RED)
    conversation.close()
    with pytest.raises(ChatError, match="closed"):
        conversation.add_picture(BLUE)
    with pytest.raises(ChatError, match="closed"):
        conversation.about(0)


def test_the_table_marks_the_picture_that_an_emotion_stands_out_in(monkeypatch):
    from types import SimpleNamespace

    from artgpt4 import emotions
    from artgpt4.ui.several import emotion_table

    shares = iter([{"awe": 0.9, "sadness": 0.001}, {"awe": 0.904, "sadness": 0.62}])
    monkeypatch.setattr(emotions, "EMOTIONS", ("awe", "sadness"))
    monkeypatch.setattr(emotions, "emotion_probabilities", lambda _: next(shares))
    conversation = SimpleNamespace(pictures=[RED, BLUE], about=lambda index: index)
    table = emotion_table(SimpleNamespace(conversation=conversation, language="en")).splitlines()
    assert table[2:] == ["| awe | 90 % | 90 % |", "| sadness | < 1 % | **62 %** |"]
    assert emotion_table(SimpleNamespace(conversation=None, language="en")) == ""
