"""What `load` takes, and what it says about the rest."""

import json
import re
import shutil
from pathlib import Path

import httpx2
import huggingface_hub.errors as hub_errors
import pytest
import torch
from safetensors.torch import load_file, save_file

from artgpt4 import loading
from artgpt4.convert import convert
from artgpt4.loading import LoadError, load

REFERENCE = Path(__file__).parent / "reference"


@pytest.fixture(scope="module")
def converted(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    files = {"vision": "eva_vit_g.pth", "qformer": "blip2_pretrained_flant5xxl.pth", "llm": "vicuna"}
    files |= {"adapter": "ArtGPT-4.pth", "dims": "dims.json"}
    convert(**{name: str(REFERENCE / file) for name, file in files.items()}, dtype="float32", out=folder)
    return folder


@pytest.fixture
def folder(converted, tmp_path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(converted, tmp_path / "copy"))


def refusal(*arguments, **options) -> str:
    with pytest.raises(LoadError) as caught:
        load(*arguments, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message


def say(model) -> str:
    *_, text = model.start(REFERENCE / "picture.png").ask("Why?", temperature=0, max_new_tokens=10)
    return text


def change(file: Path, **entries) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | entries))


def test_an_adapter_brings_the_base_that_lies_beside_it(converted, monkeypatch):
    monkeypatch.chdir("/")  # ../minigpt4 is seen from the adapter, not from where the user stands
    model = load(str(converted / "artgpt4"), device="cpu")
    assert say(model) == say(load(str(converted), device="cpu"))
    assert model.model.active_adapter == "default" and "image adapter" in model.description


def test_a_base_alone_is_what_disabling_the_adapter_gives(converted):
    base, both = load(str(converted / "minigpt4"), device="cpu"), load(str(converted), device="cpu")
    with_adapter = say(both)
    with both.model.disable_adapter():
        assert say(both) == say(base) != with_adapter


def test_everything_is_frozen_in_evaluation_mode_and_in_one_dtype(converted):
    for dtype in ("bfloat16", torch.float32):
        model = load(str(converted), device="cpu", dtype=dtype)
        assert not model.model.training
        assert {parameter.dtype for parameter in model.model.parameters()} == {model.dtype}
        assert not any(parameter.requires_grad for parameter in model.model.parameters())
        assert str(model.dtype).endswith(str(dtype).rpartition(".")[2])
        assert say(model)


def test_on_a_cpu_the_dtype_is_float32(converted):
    assert load(str(converted), device="cpu").dtype == torch.float32


def test_a_hub_id_is_fetched_without_anything_that_runs_code(converted, monkeypatch):
    asked = {}

    def snapshot(name, allow_patterns):
        asked[name] = allow_patterns
        return str(converted)

    monkeypatch.setattr(loading, "snapshot_download", snapshot)
    assert load("someone/artgpt4", device="cpu").name == "someone/artgpt4"
    assert not any(pattern.endswith((".py", ".bin", ".pth", ".pt", "*")) for pattern in asked["someone/artgpt4"])


def test_an_adapter_may_name_a_base_on_the_hub(folder, converted, monkeypatch):
    change(folder / "artgpt4" / "adapter_config.json", base_model_name_or_path="someone/minigpt4")
    monkeypatch.setattr(loading, "snapshot_download", lambda name, allow_patterns: str(converted / name.split("/")[1]))
    assert say(load(str(folder / "artgpt4"), device="cpu")) == say(load(str(converted), device="cpu"))


class Response:
    status_code, headers, request = 404, {}, None


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (hub_errors.LocalEntryNotFoundError("offline"), "cannot be reached; check the name and the network"),
        (hub_errors.RepositoryNotFoundError("404", response=Response()), "neither as a folder nor on the Hub"),
        (httpx2.RemoteProtocolError("peer closed connection"), "could not be fetched from the Hugging Face Hub: peer"),
        (hub_errors.GatedRepoError("403", response=Response()), "accept its terms on huggingface.co"),
        (OSError(28, "No space left\non device"), "could not be fetched.*No space left on device"),
    ],
)
def test_what_the_hub_does_not_give_is_said_with_its_remedy(monkeypatch, error, remedy):
    def snapshot(name, allow_patterns):
        raise error

    monkeypatch.setattr(loading, "snapshot_download", snapshot)
    assert re.search(remedy, refusal("someone/artgpt4"))


@pytest.mark.parametrize("name", ["nothing", "./nothing", "/nothing/there", "a/b/c", ""])
def test_a_name_that_is_neither_folder_nor_hub_id_is_refused_without_asking_the_hub(name, monkeypatch):
    monkeypatch.setattr(loading, "snapshot_download", lambda *a, **k: pytest.fail("asked the Hub"))
    monkeypatch.chdir(REFERENCE)
    if name:
        assert f"There is no model {name!r}: give 'mini', a folder, or a Hub id" in refusal(name)
    else:
        assert "holds no model" in refusal(name)


def test_a_missing_embedded_model_is_said_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.setattr(loading, "MINI", tmp_path)
    assert "get the whole repository" in refusal("mini")


def test_a_folder_without_a_model_is_refused(tmp_path):
    assert "neither adapter_config.json nor config.json" in refusal(str(tmp_path))


def test_a_missing_base_is_named(folder):
    shutil.rmtree(folder / "minigpt4")
    assert "needs its base in '../minigpt4' beside it" in refusal(str(folder))


def test_an_adapter_that_names_no_base_is_refused(folder):
    change(folder / "artgpt4" / "adapter_config.json", base_model_name_or_path=None)
    assert "does not name its base" in refusal(str(folder))


def test_another_family_is_refused_and_named(folder):
    change(folder / "minigpt4" / "config.json", model_type="git")
    assert "'git'; only MiniGPT-4" in refusal(str(folder))


@pytest.mark.parametrize("file", ["model-00001-of-00001.safetensors", "processor_config.json", "tokenizer.json"])
def test_a_missing_file_of_the_base_is_an_error_that_says_what_to_do(folder, file):
    (folder / "minigpt4" / file).unlink()
    assert "fetch or convert it again" in refusal(str(folder), device="cpu")


def test_pickled_weights_are_never_read(folder):
    base = folder / "minigpt4"
    weights = load_file(base / "model-00001-of-00001.safetensors")
    for file in base.glob("*.safetensors*"):
        file.unlink()
    torch.save(weights, base / "pytorch_model.bin")
    assert "fetch or convert it again" in refusal(str(folder), device="cpu")


def test_an_adapter_without_its_weights_is_refused(folder):
    (folder / "artgpt4" / "adapter_model.safetensors").rename(folder / "artgpt4" / "adapter_model.bin")
    assert "has no adapter_model.safetensors" in refusal(str(folder), device="cpu")


@pytest.mark.parametrize("file", ["minigpt4/model-00001-of-00001.safetensors", "artgpt4/adapter_model.safetensors"])
def test_weights_that_lack_a_key_or_have_one_too_many_are_refused(folder, file):
    weights = load_file(folder / file)
    name = min(weights)
    save_file({key: value for key, value in weights.items() if key != name}, folder / file, {"format": "pt"})
    assert f"lacks 1 weights, {name!r}" in refusal(str(folder), device="cpu")
    save_file(weights | {"zz.left_over": torch.zeros(1)}, folder / file, {"format": "pt"})
    assert "'zz.left_over'" in refusal(str(folder), device="cpu")


@pytest.mark.parametrize("file", ["minigpt4/model-00001-of-00001.safetensors", "artgpt4/adapter_model.safetensors"])
def test_half_a_download_is_an_error_that_says_what_to_do(folder, file):
    (folder / file).write_bytes((folder / file).read_bytes()[:1000])
    assert "fetch or convert it again" in refusal(str(folder), device="cpu")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": "tpu9"}, "There is no device 'tpu9'; give auto, cuda, cuda:1, mps or cpu"),
        ({"device": "cuda:99"}, "not available here; device 'auto' takes the best"),
        ({"device": "cpu", "dtype": "int8"}, "no dtype 'int8' to run in; give auto, float32, bfloat16, float16"),
        ({"device": "cpu", "dtype": torch.float64}, "no dtype torch.float64"),
        ({"device": "cpu", "quantization": "2bit"}, "no quantization '2bit'; give '8bit', '4bit' or None"),
        ({"device": "cpu", "quantization": "8bit"}, "needs a CUDA device, not cpu"),
    ],
)
def test_options_that_cannot_be_are_refused_before_anything_is_read(options, message):
    assert message in refusal("/nothing/there", **options)


def test_quantization_without_bitsandbytes_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(loading, "choose_device", lambda device: torch.device("cuda"))
    monkeypatch.setattr(loading, "is_bitsandbytes_available", lambda: False)
    assert "python -m pip install bitsandbytes" in refusal("/nothing/there", quantization="4bit")
