"""On ZeroGPU answers are computed in a copy of the process: nothing but what is sent may pass between the two."""

import importlib
import multiprocessing
import pickle
import sys
import types
from pathlib import Path

import pytest

import artgpt4
from artgpt4 import zerogpu
from artgpt4.chat import ChatError
from artgpt4.emotions import emotion_probabilities

PICTURE = Path(__file__).parents[1] / "examples" / "sunset-boats.jpg"
GREEDY = {"temperature": 0, "max_new_tokens": 12}


@pytest.fixture
def lent(monkeypatch):
    """`spaces`, as far as it is used: what is decorated runs in a fork, and its values come back pickled.

    Gives the seconds that were asked for.
    """
    asked = []

    def in_a_copy(function, connection, arguments):
        result = function(*arguments)
        for value in result if hasattr(result, "__next__") else [result]:
            connection.send(value)
        connection.close()

    def gpu(duration):
        def decorate(function):
            def values(*arguments):
                asked.append(duration(*arguments) if callable(duration) else duration)
                arguments = pickle.loads(pickle.dumps(arguments))
                ours, theirs = multiprocessing.Pipe()
                copy = multiprocessing.get_context("fork").Process(target=in_a_copy, args=(function, theirs, arguments))
                copy.start()
                theirs.close()
                try:
                    while True:
                        yield ours.recv()
                except EOFError:
                    copy.join()

            if function.__name__ == "_weigh":
                return lambda *arguments: next(values(*arguments))
            return values

        return decorate

    monkeypatch.setitem(sys.modules, "spaces", types.SimpleNamespace(GPU=gpu))
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    importlib.reload(zerogpu)
    yield asked
    monkeypatch.undo()
    importlib.reload(zerogpu)


@pytest.fixture(scope="module")
def model():
    return artgpt4.load("mini", device="cpu")


def answer(stream) -> str:
    *_, last = ["", *stream]
    return last


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_talk_says_what_it_says_without_copies(lent, model):
    assert zerogpu.is_active()
    there, here = zerogpu.ZeroGPUModel(model).start(PICTURE), model.start(PICTURE)
    for question in ("What is in this picture?", "Why?"):
        assert answer(there.ask(question, **GREEDY)) == answer(here.ask(question, **GREEDY))
    assert [vars(r)["answer"] for r in there.rounds] == [r.answer for r in here.rounds]
    assert there.rounds[-1].end == here.rounds[-1].end and there.rounds[-1].tokens == here.rounds[-1].tokens
    assert emotion_probabilities(there) == pytest.approx(emotion_probabilities(here), abs=1e-4)
    assert lent == [11, 11, 10]
    with pytest.raises(ChatError, match="too long") as caught:
        answer(there.ask("why " * 4000, **GREEDY))
    assert caught.value.code == "too_long" and len(there.rounds) == 2


def test_elsewhere_it_is_not_used():
    assert not zerogpu.is_active()
