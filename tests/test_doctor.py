"""What the doctor sees, and what it says to do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import artgpt4
from artgpt4 import doctor, memory, selftest
from artgpt4.loading import model_folders


@pytest.fixture
def copy_of_mini(mini_folder, tmp_path) -> Path:
    """A copy that may be spoilt; its adapter's folder."""
    return shutil.copytree(mini_folder, tmp_path / "mini") / "artgpt4"


def lines(capsys, *arguments) -> tuple[int, dict[str, tuple[str, str]]]:
    code = doctor.main(list(arguments))
    rows = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    return code, {row[1][:12].strip(): (row[0], row[1][12:].strip()) for row in rows}


def test_the_command_is_well_with_the_embedded_model(tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "ARTGPT4_DATA": str(tmp_path / "data"), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "artgpt4.doctor"]
    done = subprocess.run(
        command, cwd=Path(doctor.__file__).parents[1], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    rows = done.stdout.splitlines()
    assert len(rows) == len(doctor.checks("mini")) and all(row.startswith("ok ") for row in rows)
    assert not list((tmp_path / "data").iterdir())


def test_the_embedded_models_record_is_of_these_weights():
    assert selftest.recorded("mini")["sha256"] == selftest.fingerprints("mini")


@pytest.mark.parametrize("file", ["../minigpt4/tokenizer.json", "adapter_model.safetensors"])
def test_a_file_that_is_not_as_published_is_named(copy_of_mini, capsys, monkeypatch, tmp_path, file):
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path / "data"))
    spoilt = copy_of_mini / file
    content = bytearray(spoilt.read_bytes())
    content[-2] ^= 1
    spoilt.write_bytes(content)
    code, found = lines(capsys, "--model", str(copy_of_mini))
    assert code == 1 and found["weights"][0] == "fix"
    assert spoilt.name in found["weights"][1] and "fetch" in found["weights"][1]
    assert found["Python"][0] == found["versions"][0] == "ok"


def test_a_model_that_says_something_else_is_noticed(copy_of_mini):
    base = artgpt4.load(str(model_folders(str(copy_of_mini))[0]))  # without the adapter, it does not feel
    with pytest.raises(selftest.SelfTestError, match="was recorded; install the versions"):
        selftest.check_answer(str(copy_of_mini), base)


def test_what_is_recorded_is_what_is_found(copy_of_mini):
    before = selftest.recorded(str(copy_of_mini))
    (copy_of_mini / selftest.NAME).unlink()
    assert "no selftest.json" in selftest.check_files(str(copy_of_mini))
    assert selftest.record(str(copy_of_mini)) == copy_of_mini / selftest.NAME
    assert selftest.recorded(str(copy_of_mini)) == before


def test_a_package_in_another_version_or_none_is_named(tmp_path):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pillow==1.0  # old\nno-such-package\n-r other.txt\nnumpy\n")
    with pytest.raises(doctor.Fix, match=r"pillow is .*, not ==1\.0; no-such-package is missing: `python -m pip"):
        doctor.check_versions(requirements)


def test_a_data_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path / "file" / "data"))
    with pytest.raises(doctor.Fix, match="cannot be written .*; set ARTGPT4_DATA"):
        doctor.check_data()


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path / "not" / "yet"))
    assert "free for data" in doctor.check_disk()
    monkeypatch.setattr(doctor, "ROOM", 2**80)
    with pytest.raises(doctor.Fix, match="make room"):
        doctor.check_disk()


def test_a_model_too_large_for_this_machine_is_said_before_it_is_loaded(monkeypatch):
    assert "mini needs 0." in doctor.check_memory("mini")
    monkeypatch.setattr(memory, "available", lambda device: 1_000_000)
    with pytest.raises(doctor.Fix, match="mini needs .* GB in .* 0.0 GB free .*; take a machine with more"):
        doctor.check_memory("mini")


def test_what_weights_need_is_what_their_parameters_take():
    import torch

    model = artgpt4.load("mini", device="cpu")
    taken = sum(parameter.nbytes for parameter in model.model.parameters())
    base, adapter = model_folders("mini")
    assert taken <= memory.needed([base, adapter], torch.float32) <= 1.2 * taken
    assert 2 * memory.needed([base], torch.bfloat16) == pytest.approx(memory.needed([base], torch.float32), rel=1e-6)


def test_a_model_that_is_not_there_is_a_line_and_not_a_traceback(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path / "data"))
    code, found = lines(capsys, "--model", str(tmp_path / "nothing"))
    assert code == 1
    assert [found[name][0] for name in ("weights", "memory", "answer")] == ["fix"] * 3
    assert "There is no model" in found["answer"][1]


def test_weights_cut_short_are_lines_and_not_a_traceback(copy_of_mini, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("ARTGPT4_DATA", str(tmp_path / "data"))
    (copy_of_mini / "adapter_model.safetensors").write_bytes(b"short")
    code, found = lines(capsys, "--model", str(copy_of_mini))
    assert code == 1 and [found[name][0] for name in ("weights", "memory", "answer")] == ["fix"] * 3
    assert "mend the lines above" in found["memory"][1]
