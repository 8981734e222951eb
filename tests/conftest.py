"""What several test files need."""

import time
from pathlib import Path

import pytest
import torch

import artgpt4


@pytest.fixture(scope="session")
def mini_folder() -> Path:
    """The embedded model's folder: `minigpt4` (base) and `artgpt4` (adapter)."""
    return Path(artgpt4.__file__).parent / "checkpoints" / "artgpt4-mini"


@pytest.fixture
def eventually():
    """Waits until a condition holds, and fails with its name when it does not within ten seconds."""

    def wait_for(condition, seconds=10.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"not within {seconds} s: {condition}"
            time.sleep(0.02)

    return wait_for


def pytest_collection_modifyitems(config, items):
    """Tests marked `gpu` belong to machines with a CUDA device; elsewhere they are left out, not skipped."""
    if not torch.cuda.is_available():
        config.hook.pytest_deselected(items=[item for item in items if "gpu" in item.keywords])
        items[:] = [item for item in items if "gpu" not in item.keywords]
