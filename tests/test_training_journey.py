"""A user's way from data to answers: check the data, stage 1, stop, go on, stage 2, push, ask on the page."""

import os
import signal
import sys

import httpx
import pytest
from gradio_client import Client, handle_file
from PIL import Image

import artgpt4
from benchmarks.browser import running_app
from train import prepare, stage1, stage2
from train.data import loader
from train.painter.write import write_cc_sbu_align, write_shards


@pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio")
def test_from_data_to_answers(hub_server, converted_reference, tmp_path, monkeypatch, eventually):
    write_shards(tmp_path / "shards", 12, seed=3)
    write_cc_sbu_align(tmp_path / "align", 6, seed=4)
    assert prepare.main(["laion", "--folder", str(tmp_path / "shards")]) == 0
    assert prepare.main(["cc_sbu_align", "--folder", str(tmp_path / "align")]) == 0

    def run(stage, *words):
        common = (f"base={converted_reference / 'minigpt4'}", "steps=4", "batch_size=2", "log_every=1", "resume=auto")
        monkeypatch.setattr(sys, "argv", ["stage", *common, "mixed_precision=no", "dtype=float32", *words])
        stage.main()

    def loader_with_signal(*args):
        for number, batch in enumerate(loader(*args)):
            if number == 1:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    first = (f"shards={tmp_path / 'shards' / '*.tar'}", f"output={tmp_path / 'one'}")
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(stage1, "loader", loader_with_signal)
        run(stage1, *first)
    assert not (tmp_path / "one" / "final").exists()
    artgpt4.load(str(tmp_path / "one" / "step-2"), device="cpu")  # every checkpoint can be talked with
    run(stage1, *first)
    second = (f"cc_sbu_align={tmp_path / 'align'}", f"output={tmp_path / 'two'}")
    run(stage2, *second, f"adapter={tmp_path / 'one' / 'final'}", "push_to_hub=painter/eye")

    Image.new("RGB", (56, 56), "teal").save(tmp_path / "picture.png")
    home = {"HF_HOME": str(tmp_path / "home"), "ARTGPT4_DATA": str(tmp_path / "data")}
    hub = {"HF_ENDPOINT": hub_server.url, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    with running_app(tmp_path / "app.log", "--model", "painter/eye", **home, **hub) as address:
        eventually(lambda: httpx.get(f"{address}readyz", timeout=60).json()["status"] != "loading", seconds=300)
        assert httpx.get(f"{address}readyz", timeout=60).json() == {"status": "ready", "model": "painter/eye"}
        client = Client(address, verbose=False)
        picture = handle_file(tmp_path / "picture.png")
        assert client.predict(picture=picture, question="What is this?", api_name="/chat")
    assert list((tmp_path / "home").glob("hub/models--painter--eye/snapshots/*/artgpt4/adapter_model.safetensors"))
