"""LAVIS itself, in its own environment, against ours. The environment is made once, in .venv-lavis; a minute or two."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from artgpt4.convert import ConversionError
from train.lavis import crosscheck, environment
from train.lavis.environment import BuildError

ROOT = Path(__file__).parents[1]
FILES = ("eva_vit_g.pth", "blip2_pretrained_flant5xxl.pth")


@pytest.fixture(scope="module")
def python() -> Path:
    return environment.build(environment.FOLDER)


@pytest.fixture(scope="module")
def lavis(python, tmp_path_factory) -> Path:
    """What `train.lavis.tiny` writes, and in `converted` what becomes of it."""
    folder = tmp_path_factory.mktemp("lavis")
    crosscheck.run_lavis(python, folder)
    return folder


def weights(file: Path) -> dict[str, torch.Tensor]:
    state = torch.load(file)
    return state.get("model", state)


# The same numbers


def crosscheck_of(folder: Path, monkeypatch) -> None:
    """The command on what LAVIS has left in `folder` already."""
    monkeypatch.setattr(crosscheck, "run_lavis", lambda _, there: shutil.copytree(folder, there, dirs_exist_ok=True))
    crosscheck.main([])


def test_lavis_and_ours_compute_the_same(lavis, monkeypatch, capsys):
    crosscheck_of(lavis, monkeypatch)
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["vision_hidden", "query_output"]


@pytest.mark.parametrize(("part", "epsilon"), [("vision", 1e-5), ("qformer", 1e-5)])
def test_crosscheck_notices_a_wrong_epsilon(lavis, tmp_path, monkeypatch, part, epsilon):
    shutil.copytree(lavis, tmp_path, dirs_exist_ok=True)
    dims = json.loads((lavis / "dims.json").read_text())
    dims[part]["layer_norm_eps"] = epsilon
    (tmp_path / "dims.json").write_text(json.dumps(dims))
    with pytest.raises(SystemExit, match="do not compute the same"):
        crosscheck_of(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", FILES)
def test_exported_weights_are_the_zoos_to_the_bit(lavis, name):
    zoo, exported = weights(lavis / "hub" / "checkpoints" / name), weights(lavis / "exported" / name)
    assert exported.keys() < zoo.keys()
    for weight, tensor in exported.items():
        assert tensor.dtype == zoo[weight].dtype and torch.equal(tensor, zoo[weight]), weight


def converted(lavis: Path, vision: Path, qformer: Path, out: Path) -> dict[str, torch.Tensor]:
    crosscheck.convert_tiny(vision, qformer, lavis / "dims.json", out)
    return load_file(out / "minigpt4" / "model-00001-of-00001.safetensors")


def test_zoo_converts_as_what_was_exported_from_it(lavis, tmp_path):
    exported, zoo = (
        converted(lavis, lavis / source / FILES[0], lavis / source / FILES[1], tmp_path / source)
        for source in ("exported", "hub/checkpoints")
    )
    assert exported.keys() == zoo.keys() and all(torch.equal(exported[name], zoo[name]) for name in zoo)


@pytest.mark.parametrize("name", ["blip2_pretrained.pth", "blip2_pretrained_opt2.7b.pth"])
def test_other_checkpoints_of_lavis_convert(lavis, tmp_path, name):
    zoo = lavis / "hub" / "checkpoints"
    ours = converted(lavis, zoo / FILES[0], zoo / name, tmp_path)
    assert torch.equal(ours["query_tokens"], weights(zoo / name)["query_tokens"])


def test_qformer_fine_tuned_with_its_tower_is_not_put_behind_another(lavis, tmp_path):
    zoo = lavis / "hub" / "checkpoints"
    with pytest.raises(
        ConversionError, match="blip2_caption_flant5xl.pth was fine-tuned together with its vision tower"
    ):
        converted(lavis, zoo / FILES[0], zoo / "blip2_caption_flant5xl.pth", tmp_path)
    assert not any(tmp_path.iterdir())


# Export: what can go wrong

EXPORTS = """
import json, resource, sys
from pathlib import Path
import torch
from train.lavis import export, tiny

said = {}
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # a disk that is soon full
with tiny.tiny_sizes():
    for folder in map(Path, sys.argv[1:]):
        torch.hub.set_dir(folder / "hub")
        try:
            export.export(folder / "out")
        except export.ExportError as error:
            said[folder.name] = str(error)
Path(sys.argv[1], "said.json").write_text(json.dumps(said))
"""


@pytest.fixture(scope="module")
def failed(python, lavis, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """Exports from zoos that are all spoilt in another way: where they were, and what was said of each."""
    root = tmp_path_factory.mktemp("failed")
    cases = ["offline", "damaged", "vision lacks", "qformer lacks", "misshapen", "exists", "full"]
    for case in cases[1:]:
        shutil.copytree(lavis / "hub", root / case / "hub")
    (root / "offline").mkdir()
    (root / "exists" / "out").mkdir(parents=True)
    (root / "exists" / "out" / FILES[1]).touch()

    def spoil(case: str, name: str, change) -> None:
        file = root / case / "hub" / "checkpoints" / name
        checkpoint = torch.load(file)
        change(checkpoint.get("model", checkpoint))
        torch.save(checkpoint, file)

    spoil("vision lacks", FILES[0], lambda state: state.pop("blocks.2.norm1.bias"))
    spoil("qformer lacks", FILES[1], lambda state: state.pop("query_tokens"))
    spoil("misshapen", FILES[1], lambda state: state.update({"ln_vision.weight": torch.ones(49)}))
    damaged = root / "damaged" / "hub" / "checkpoints" / FILES[1]
    damaged.write_bytes(damaged.read_bytes()[:1000])

    nowhere = dict.fromkeys(("https_proxy", "HTTPS_PROXY"), "http://127.0.0.1:9") | dict.fromkeys(
        ("no_proxy", "NO_PROXY"), ""
    )
    command = [python, "-c", EXPORTS, *(root / case for case in cases)]
    subprocess.run(command, cwd=ROOT, env=os.environ | nowhere, check=True)
    return root, json.loads((root / "offline" / "said.json").read_text())


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("offline", "LAVIS/models/BLIP2/eva_vit_g.pth could not be downloaded to {}/hub/checkpoints: "),
        ("damaged", "{}/hub/checkpoints/blip2_pretrained_flant5xxl.pth is not what LAVIS publishes"),
        ("vision lacks", "{}/hub/checkpoints/eva_vit_g.pth lacks 1 of LAVIS' weights, among them blocks.2.norm1.bias."),
        ("qformer lacks", "{}/hub/checkpoints/blip2_pretrained_flant5xxl.pth lacks 1 of LAVIS' weights"),
        ("misshapen", "size mismatch for ln_vision.weight"),
        ("exists", "{}/out/blip2_pretrained_flant5xxl.pth exist already."),
        ("full", "{}/out could not be written: [Errno 27] File too large. "),
    ],
)
def test_failed_export_says_why_and_leaves_nothing(failed, case, words):
    root, said = failed
    assert words.format(root / case) in said[case]
    left = sorted(path.name for path in (root / case).glob("out/*"))
    assert left == ([FILES[1]] if case == "exists" else [])


def test_export_outside_of_its_environment_says_how_to_make_it():
    command = [sys.executable, "-m", "train.lavis.export", "--out", "anywhere"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "python -m train.lavis.environment" in done.stderr
    assert "Traceback" not in done.stderr


# The environment


def test_environment_that_is_up_to_date_is_left_alone(python, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("nothing is to be done"))
    assert environment.build(environment.FOLDER) == python


def test_failed_build_says_what_to_do_and_is_never_taken_for_whole(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(BuildError, match="pip needs a package index"):
        environment.build(tmp_path / "environment")
    assert (tmp_path / "environment" / "bin" / "python").exists()
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    environment.build(tmp_path / "environment")
    assert commands[0][1:3] == ["-m", "venv"] and len(commands) == 3
    assert not (tmp_path / "environment" / "bin").exists()  # the half is gone


def test_other_folder_is_not_overwritten(tmp_path):
    (tmp_path / "letters.txt").write_text("dear ...")
    with pytest.raises(BuildError, match="was not made by this program"):
        environment.build(tmp_path)
    assert (tmp_path / "letters.txt").read_text() == "dear ..."


def test_python_without_published_tokenizers_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BuildError, match="up to 3.11; this is 3.13 and there is no python3.11"):
        environment.build(tmp_path / "environment")
