"""Several visitors at once, through the real server: a short run of benchmarks.load."""

import gc
import random
from concurrent.futures import Future

import pytest

import app
import artgpt4
from artgpt4.ui.presence import Presence
from benchmarks.load import growth, run, visitors_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")


@pytest.fixture(scope="module")
def model():
    return artgpt4.load("mini", device="cpu")


@pytest.fixture
def site(model, monkeypatch):
    monkeypatch.setattr(Presence.__init__, "__defaults__", (0.2,))  # seconds that a closed tab's talk is kept
    future = Future()
    future.set_result(model)
    page = app.open_page(future, app.parse_arguments([]))
    yield page
    page.close()


def test_eight_visitors_get_what_each_would_get_alone_and_leave_nothing(site, model, eventually):
    tabs = visitors_of(site.local_url, 8)
    result = run(tabs, turns=3, seconds=600)
    assert result.errors == [] and result.mixed == []
    assert len(result.transcripts) == 24
    for tab in tabs:
        alone = model.start(tab.picture)
        *_, last = tab.result.transcripts
        for question, answer in zip(last[::2], last[1::2], strict=True):
            *_, said = alone.ask(question, **tab.parameters)
            assert said == answer
        alone.close()
    # They have closed their tabs.
    eventually(lambda: not {tab.session for tab in tabs} & set(site.app.state_holder.session_data), seconds=60)
    gc.collect()
    assert not list(model._conversations)


def test_growth_is_told_from_noise_and_from_warming_up():
    noise = random.Random(0)
    ended = [float(turn) for turn in range(1000)]

    def samples(per_turn):
        return [(t, 600e6 + 1e6 * min(t, 300) + per_turn * max(0, t - 300) + noise.gauss(0, 2e6)) for t in ended]

    slope, half = growth(ended, samples(0), 300)
    assert abs(slope) < half < 10_000
    slope, half = growth(ended, samples(50_000), 300)
    assert abs(slope - 50_000) < half < 10_000
    assert growth(ended[:350], samples(0), 300) is None
