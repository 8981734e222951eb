"""The real Hub client against a small server that speaks the Hub's endpoints: what is pushed can be talked with."""

import json
import shutil
import sys

import pytest
import yaml
from huggingface_hub import constants
from PIL import Image

import artgpt4
from artgpt4 import hub
from artgpt4.loading import LoadError
from train import stage2
from train.painter.write import write_cc_sbu_align


def say(name: str) -> str:
    chat = artgpt4.load(name, device="cpu")
    *_, text = chat.start(Image.new("RGB", (56, 56), "teal")).ask("Why?", temperature=0, max_new_tokens=10)
    return text


def test_an_adapter_goes_up_with_its_base_and_answers_the_same(hub_server, converted_reference, tmp_path):
    folder = shutil.copytree(converted_reference, tmp_path / "both") / "artgpt4"
    (folder / "training_state.pt").write_bytes(b"a pickle")
    (folder / "README.md").write_text("# Model Card for Model ID\n")
    hub.push(folder, "painter/eye", license="cc-by-4.0")
    files = hub_server.repos["painter/eye"]
    assert {"artgpt4/adapter_model.safetensors", "minigpt4/config.json"} <= files.keys()
    assert not [name for name in files if name.endswith((".pt", ".bin", ".py"))]
    card = files["README.md"].decode()
    assert "license: cc-by-4.0" in card and "Model ID" not in card and str(tmp_path) not in card
    assert say("painter/eye") == say(str(folder))


def test_an_adapter_can_name_a_base_that_is_on_the_hub(hub_server, converted_reference):
    hub.push(converted_reference, "painter/eye")  # of another layout: its folders must not win over the next push's
    hub.push(converted_reference / "minigpt4", "painter/base")
    hub.push(converted_reference, "painter/eye", base="painter/base")
    files = hub_server.repos["painter/eye"]
    assert json.loads(files["adapter_config.json"])["base_model_name_or_path"] == "painter/base"
    assert not [name for name in files if "/" in name]
    assert say("painter/eye") == say(str(converted_reference))


def test_a_download_that_breaks_off_goes_on_where_it_stopped(hub_server, converted_reference, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 2**16)  # by default, more than the whole file
    hub.push(converted_reference, "painter/eye")
    hub_server.break_once = "minigpt4/model-00001-of-00001.safetensors"
    assert say("painter/eye") == say(str(converted_reference))
    half = len(hub_server.repos["painter/eye"]["minigpt4/model-00001-of-00001.safetensors"]) // 2
    start = half // 2**16 * 2**16
    assert start and hub_server.ranges == [("minigpt4/model-00001-of-00001.safetensors", f"bytes={start}-")]


def test_a_model_that_is_not_there_is_one_clear_line(hub_server):
    with pytest.raises(LoadError, match="There is no model 'painter/nothing'") as caught:
        artgpt4.load("painter/nothing", device="cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("token", "owner", "said"),
    [
        ("", "painter", "There is no token"),
        ("hf_bad", "painter", "not accept the token"),
        ("hf_good", "x", "may not write"),
    ],
)
def test_without_leave_to_write_a_push_is_one_clear_line(
    hub_server, converted_reference, monkeypatch, capsys, token, owner, said
):
    monkeypatch.setenv("HF_TOKEN", token)
    assert hub.main(["push", str(converted_reference), f"{owner}/eye"]) == 1
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error
    assert not hub_server.repos


def test_a_folder_that_load_cannot_open_is_not_pushed(hub_server, converted_reference, tmp_path):
    folder = shutil.copytree(converted_reference, tmp_path / "broken")
    (folder / "artgpt4" / "adapter_model.safetensors").unlink()
    with pytest.raises(hub.HubError, match="no adapter_model.safetensors"):
        hub.push(folder, "painter/eye")
    assert not hub_server.repos


def test_a_stage_pushes_at_its_end_and_a_failed_push_loses_nothing(
    hub_server, converted_reference, tmp_path, monkeypatch, capsys
):
    write_cc_sbu_align(tmp_path / "align", 6, seed=4)
    words = [f"base={converted_reference / 'minigpt4'}", f"cc_sbu_align={tmp_path / 'align'}", "steps=2"]
    words += [f"output={tmp_path / 'run'}", "batch_size=2", "mixed_precision=no", "dtype=float32", "resume=auto"]
    final = tmp_path / "run" / "final"
    monkeypatch.setattr(sys, "argv", ["stage2", *words, "push_to_hub=stranger/eye"])
    with pytest.raises(SystemExit) as caught:
        stage2.main()
    assert f"python -m artgpt4.hub push {final} stranger/eye" in str(caught.value.code)
    assert yaml.safe_load((final / "training.yaml").read_text())["steps"] == 2
    monkeypatch.setattr(sys, "argv", ["stage2", *words, "push_to_hub=painter/eye"])
    stage2.main()  # trained already: only the push is made up for
    files = hub_server.repos["painter/eye"]
    card = files["README.md"].decode()
    assert "after 2 steps" in card and "batch_size: 2" in card and "align" in card and "loss.png" in files
    assert str(tmp_path) not in card
    assert say("painter/eye") == say(str(final))


def test_card_shows_sets_of_shards_without_folders_and_commands(tmp_path):
    recipe = {"shards": {"/home/me/laion/*.tar": 115.0, "pipe:fetch --key secret": 14.0}}
    (tmp_path / hub.RECIPE).write_text(yaml.safe_dump(recipe))
    card = hub.model_card(tmp_path, "painter/eye", "", "", has_plot=False)
    assert "shards: `laion/*.tar (115), a pipe (14)`" in card
    assert "secret" not in card and "/home" not in card
