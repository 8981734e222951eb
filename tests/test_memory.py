"""Memory that is no longer needed goes back to the system."""

import sys

import psutil
import pytest
import torch

import artgpt4
from artgpt4 import memory


@pytest.mark.skipif(sys.platform != "linux", reason="what glibc keeps, nothing else does")
def test_what_lies_freed_between_what_is_in_use_is_given_back():
    pieces = [torch.ones(25_000) for _ in range(2000)]  # 100 kB each, from glibc's heap
    in_use = pieces[::2]
    pieces.clear()
    kept = psutil.Process().memory_info().rss
    memory.give_back()
    assert psutil.Process().memory_info().rss < kept - 50e6
    assert len(in_use) == 1000


def test_memory_is_given_back_now_and_then_and_not_after_every_answer(mini_folder, monkeypatch):
    model, times = artgpt4.load(str(mini_folder)), []
    monkeypatch.setattr(memory, "give_back", lambda: times.append(1))
    with model.lock:
        model._gave_back -= 6
        model._keep_to_budget()
        model._keep_to_budget()
    assert len(times) == 1
