"""What several test files need."""

import shutil
import time
from pathlib import Path

import pytest
import torch
from hub_server import HubServer
from huggingface_hub import constants

import artgpt4
from artgpt4.convert import convert
from artgpt4.convert_llava import convert_llava


@pytest.fixture(scope="session")
def mini_folder() -> Path:
    """The embedded model's folder: `minigpt4` (base) and `artgpt4` (adapter)."""
    return Path(artgpt4.__file__).parent / "checkpoints" / "artgpt4-mini"


@pytest.fixture(scope="session")
def converted_reference(tmp_path_factory) -> Path:
    """The toy-sized reference as `artgpt4.convert` writes it: `minigpt4` (base) and `artgpt4` (adapter)."""
    reference, folder = Path(__file__).parent / "reference", tmp_path_factory.mktemp("converted")
    convert(
        vision=str(reference / "eva_vit_g.pth"),
        qformer=str(reference / "blip2_pretrained_flant5xxl.pth"),
        llm=str(reference / "vicuna"),
        adapter=str(reference / "ArtGPT-4.pth"),
        dims=str(reference / "dims.json"),
        dtype="float32",
        out=folder,
    )
    return folder


@pytest.fixture(scope="session")
def converted_gallerygpt(tmp_path_factory) -> Path:
    """The toy-sized GalleryGPT as `artgpt4.convert_llava` writes it: `llava` (base) and `lora`."""
    folder, reference = tmp_path_factory.mktemp("gallerygpt"), Path(__file__).parent / "reference"
    shutil.copytree(reference / "gallerygpt" / "llava-7b", folder / "llava-7b")
    shutil.copy(reference / "vicuna" / "tokenizer.model", folder / "llava-7b")  # the same in both
    convert_llava(
        llm=str(folder / "llava-7b"),
        vision=str(reference / "gallerygpt" / "ShareGPT4V-vit"),
        lora=str(reference / "gallerygpt" / "llava-lora-model"),
        dtype="float32",
        out=folder,
    )
    return folder


@pytest.fixture
def hub_server(tmp_path, monkeypatch):
    """An empty Hub on this machine, which the Hub's client takes for the real one, with a token of `painter`'s."""
    server = HubServer()
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.url + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", "hf_good")
    yield server
    server.shutdown()
    server.server_close()


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


class Clock:
    """A time that stands still until a test moves it."""

    now = 1_700_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()
