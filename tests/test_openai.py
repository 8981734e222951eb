"""A model on another server is talked with like one of our own."""

import base64
import io
import math
import threading
from concurrent.futures import Future
from pathlib import Path

import pytest
from chat_server import ChatServer
from PIL import Image

from artgpt4 import load
from artgpt4.attention import answer_attention
from artgpt4.chat import ChatError, Conversation
from artgpt4.emotions import EMOTIONS, emotion_probabilities
from artgpt4.images import PictureError
from artgpt4.loading import LoadError
from artgpt4.openai import KEY, LARGEST_SIDE
from artgpt4.ui.visitor import Visitor

PICTURE = Path(__file__).parents[1] / "examples" / "sunset-boats.jpg"


@pytest.fixture
def server():
    server = ChatServer()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def conversation(server) -> Conversation:
    return load(f"openai:{server.url}#eye").start(PICTURE)


def answer(stream) -> str:
    *_, last = ["", *stream]
    return last


def test_an_answer_streams_with_what_there_is_to_know_about_it(server, conversation):
    assert list(conversation.ask("What is it?", temperature=0.5, top_p=0.8, max_new_tokens=99, seed=3)) == [
        "A ",
        "A boat",
        "A boat.",
    ]
    (round,) = conversation.rounds
    assert (round.question, round.answer, round.end, round.tokens, round.seed) == (
        "What is it?",
        "A boat.",
        "said",
        7,
        3,
    )
    asked = server.asked[0]
    assert {name: asked[name] for name in ("model", "stream", "temperature", "top_p", "max_tokens", "seed")} == {
        "model": "eye",
        "stream": True,
        "temperature": 0.5,
        "top_p": 0.8,
        "max_tokens": 99,
        "seed": 3,
    }
    assert "repetition_penalty" not in asked


def test_the_picture_is_sent_without_anything_else_of_its_file(server, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "the artist's studio"
    Image.new("RGB", (3000, 1500), "teal").save(tmp_path / "large.jpg", exif=exif)
    answer(load(f"openai:{server.url}").start(tmp_path / "large.jpg").ask("Why?"))
    kind, _, data = server.asked[0]["messages"][0]["content"][0]["image_url"]["url"].partition(",")
    sent = Image.open(io.BytesIO(base64.b64decode(data)))
    assert kind == "data:image/jpeg;base64" and sent.size == (LARGEST_SIDE, LARGEST_SIDE // 2)
    assert not sent.getexif()


def test_later_rounds_and_what_was_changed_are_what_the_server_sees(server, conversation):
    for question in ("One?", "Two?", "Three?"):
        answer(conversation.ask(question))
    conversation.undo()
    answer(conversation.edit(1, "Two, once more?"))
    answer(conversation.retry())
    first, *others = server.asked[-1]["messages"]
    assert first["content"][1] == {"type": "text", "text": "One?"}
    assert others == [
        {"role": "assistant", "content": "A boat."},
        {"role": "user", "content": "Two, once more?"},
    ]
    assert [round.question for round in conversation.rounds] == ["One?", "Two, once more?"]


def test_a_key_is_sent_where_there_is_one(server, monkeypatch):
    monkeypatch.setenv(KEY, "secret")
    load(f"openai:{server.url}#eye")
    assert server.headers[-1]["Authorization"] == "Bearer secret"


def test_an_answer_cut_at_its_length_says_so(server, conversation):
    server.end = "length"
    answer(conversation.ask("Why?"))
    assert conversation.rounds[0].end == "length" and "cut off" in conversation.rounds[0].notice


def test_stopping_ends_the_answer_there_too(server, conversation, eventually):
    server.wait, server.words = threading.Event(), ["word "] * 10_000
    stream = conversation.ask("Why?")
    next(stream)
    conversation.stop()
    server.wait.set()
    assert list(stream) == [] and conversation.rounds[0].end == "stopped" and conversation.rounds[0].answer == "word "
    eventually(server.left.is_set)


def test_a_server_that_never_ends_is_cut_off(server, conversation):
    server.words = ["x" * 100] * 50
    answer(conversation.ask("Why?", max_new_tokens=10))
    assert conversation.rounds[0].end == "length" and len(conversation.rounds[0].answer) <= 600


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (400, "maximum context length is 2048 tokens", "too_long"),
        (400, "secret 0x7f00", "refused"),
        (401, "secret", "refused"),
        (429, "secret", "busy"),
        (500, "secret", "refused"),
        (503, "secret", "busy"),
    ],
)
def test_a_refusal_is_told_without_its_details_and_the_talk_goes_on(server, conversation, caplog, status, said, code):
    answer(conversation.ask("One?"))
    server.status, server.said = status, said
    with pytest.raises(ChatError) as caught:
        answer(conversation.ask("Two?"))
    assert caught.value.code == code and "secret" not in str(caught.value) and "127.0.0.1" not in str(caught.value)
    assert said in caplog.text
    assert [round.question for round in conversation.rounds] == ["One?"]
    server.status = 200
    assert answer(conversation.ask("Two?")) == "A boat."


@pytest.mark.parametrize("words, end", [([], None), (["A "], None)])
def test_an_answer_that_breaks_off_is_an_error(server, conversation, words, end):
    server.words, server.end = words, end
    with pytest.raises(ChatError, match="broke off"):
        answer(conversation.ask("Why?"))
    assert conversation.rounds == []


def test_a_server_that_has_gone_is_an_error(server, conversation):
    server.shutdown()
    server.server_close()
    with pytest.raises(ChatError, match="gave no whole answer") as caught:
        answer(conversation.ask("Why?"))
    assert "127.0.0.1" not in str(caught.value)


def test_what_it_cannot_do_is_said(server, conversation):
    for refused, told in (
        (lambda: answer(conversation.ask("Why?", num_beams=2)), "num_beams must be 1"),
        (lambda: conversation.ask(" "), "question is empty"),
        (lambda: conversation.ask("x" * 30_000), "30000 characters"),
        (lambda: conversation.ask("Why?", temperature=-1), "temperature must be"),
        (lambda: conversation.retry(), "Ask one first"),
        (lambda: answer_attention(conversation), "does not tell where it looked"),
    ):
        with pytest.raises(ChatError, match=told):
            refused()
    assert server.asked == [] and conversation.rounds == []
    conversation.close()
    with pytest.raises(ChatError, match="closed"):
        conversation.ask("Why?")
    with pytest.raises(PictureError):
        conversation.model.start(b"no picture")


def logarithms(**probabilities):
    return {token: math.log(p) for token, p in probabilities.items()}


def test_emotions_are_the_chances_of_the_first_word(server, conversation):
    # "a" begins three of the nine and tells nothing; "The" begins none.
    server.logprobs = logarithms(Awe=0.4, sad=0.2, Sad=0.1, something=0.1, a=0.15, The=0.05)
    server.logprobs[" awe"] = math.log(1e-9)
    for found in (emotion_probabilities(conversation), emotion_probabilities(conversation.model, PICTURE)):
        assert tuple(found) == EMOTIONS and sum(found.values()) == pytest.approx(1)
        told = {emotion: p for emotion, p in found.items() if p}
        assert told == pytest.approx({"awe": 0.5, "sadness": 0.375, "something else": 0.125})
    asked = server.asked[-1]
    assert (asked["max_tokens"], asked["top_logprobs"], asked["logprobs"], asked["temperature"]) == (1, 20, True, 1.0)
    image, text = asked["messages"][0]["content"]
    assert image["type"] == "image_url" and all(emotion in text["text"] for emotion in EMOTIONS)
    assert conversation.rounds == []


@pytest.mark.parametrize(
    ("logprobs", "status", "code"),
    [
        (None, 200, "not_offered"),
        ({"awe": None}, 200, "not_offered"),
        ({"awe": math.log(0.3), "The": math.log(0.7)}, 200, "not_said"),
        ({"a": math.log(0.9)}, 200, "not_said"),
        (None, 400, "not_offered"),
        (None, 503, "busy"),
    ],
)
def test_without_the_chances_of_words_there_is_a_sentence_instead_of_a_chart(
    server, conversation, logprobs, status, code
):
    server.logprobs, server.status = logprobs, status
    with pytest.raises(ChatError) as caught:
        emotion_probabilities(conversation)
    assert caught.value.code == code and "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("openai:eye", "is no address"),
        ("openai:{url}#other", "has no model 'other'; it has eye"),
        ("openai:http://127.0.0.1:9/v1#eye", "does not say which models it has"),
    ],
)
def test_a_wrong_address_is_one_clear_line(server, address, told):
    with pytest.raises(LoadError, match=told) as caught:
        load(address.format(url=server.url))
    assert "\n" not in str(caught.value)


def test_the_page_can_stand_before_it(server):
    visitor, model = Visitor(), Future()
    model.set_result(load(f"openai:{server.url}"))
    visitor.show(str(PICTURE))
    visitor.request("What is it?")
    list(visitor.answer(model, {"temperature": 0.7}))
    assert visitor.rounds == [("What is it?", "A boat.")]
