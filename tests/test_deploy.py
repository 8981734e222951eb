"""A Space is made, set and filled by one command; the real Hub client talks to a small Hub."""

import shutil
import subprocess
import sys

import pytest

from artgpt4 import deploy
from artgpt4.deploy import ROOT, DeployError, front_matter

SPACE = "painter/space"


def test_the_readme_of_this_repository_is_a_spaces(hub_server):
    assert front_matter(ROOT / "README.md")["app_file"] == "app.py"


def test_without_yes_nothing_is_done_and_everything_is_said(hub_server, capsys):
    arguments = [SPACE, "--model", "painter/eye", "--backup", "painter/kept", "--hardware", "t4-small"]
    assert deploy.main(arguments) == 0
    said = capsys.readouterr().out
    for part in ("ARTGPT4_MODEL=painter/eye", "ARTGPT4_BACKUP=painter/kept", "t4-small", "HF_TOKEN, as", "Nothing was"):
        assert part in said
    assert "hf_good" not in said
    assert not hub_server.repos and not hub_server.settings


def test_with_yes_the_space_has_the_app_its_settings_and_its_hardware(hub_server, capsys, monkeypatch):
    monkeypatch.setenv("MY_KEY", "hidden")
    arguments = [SPACE, "--model", "painter/eye", "--secret", "MY_KEY", "--hardware", "zero-a10g", "--private", "--yes"]
    assert deploy.main(arguments) == 0
    said = capsys.readouterr().out
    assert said.strip().endswith(f"/spaces/{SPACE}") and "hidden" not in said
    made = hub_server.made[SPACE]
    assert (made["type"], made["sdk"]) == ("space", "gradio") and (made.get("private") or made["visibility"])
    assert ("variables", {"key": "ARTGPT4_MODEL", "value": "painter/eye"}) in hub_server.settings
    assert ("secrets", {"key": "MY_KEY", "value": "hidden"}) in hub_server.settings
    assert [body["flavor"] for name, body in hub_server.settings if name == "hardware"] == ["zero-a10g"]
    assert set(hub_server.repos[SPACE]) == set(deploy.files())


def test_what_goes_up_is_an_app_that_starts_by_itself(tmp_path):
    for path in deploy.files():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, tmp_path / path)
    program = "import app, artgpt4; app.parse_arguments([]); print(artgpt4.__file__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(tmp_path))
    names = {path.split("/")[0] for path in deploy.files()}
    assert not names & {"tests", "train", "data", "runs", ".git", ".ci"}


def test_a_second_deployment_takes_away_what_the_app_no_longer_has(hub_server):
    hub_server.repos[SPACE] = {"artgpt4/old.py": b"", "theirs.txt": b"kept"}
    deploy.deploy(SPACE, {}, [])
    assert "artgpt4/old.py" not in hub_server.repos[SPACE] and "theirs.txt" in hub_server.repos[SPACE]


@pytest.mark.parametrize(
    ("arguments", "token", "told"),
    [
        (["space"], "hf_good", "give owner/space"),
        (["a b/c"], "hf_good", "no name of a Space"),
        ([SPACE, "--secret", "NOT_SET_HERE"], "hf_good", "NOT_SET_HERE: no such secret"),
        ([SPACE, "--variable", "X"], "hf_good", "give NAME=VALUE"),
        ([SPACE], "", "There is no token"),
        (["stranger/space", "--yes"], "hf_good", "may your token write there"),
        ([SPACE, "--yes"], "hf_bad", "may your token write there"),
    ],
)
def test_what_is_wrong_is_one_line_and_nothing_is_done(hub_server, capsys, monkeypatch, arguments, token, told):
    monkeypatch.setenv("HF_TOKEN", token)
    assert deploy.main(arguments) == 1
    error = capsys.readouterr().err.strip()
    assert told in error and len(error.splitlines()) == 1
    assert not hub_server.repos and not hub_server.settings


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("sdk_version: 6.31.0", "sdk_version: 3.0"),
        ("app_file: app.py", "app_file: nowhere.py"),
        ("colorFrom: indigo", "colorFrom: mauve"),
        ("short_description: ", f"short_description: {'x' * 61}"),
        ("---\ntitle", "title"),
    ],
)
def test_settings_that_a_space_does_not_take_are_named(tmp_path, line, other):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert line in text
    (tmp_path / "app.py").touch()
    (tmp_path / "README.md").write_text(text.replace(line, other, 1), encoding="utf-8")
    with pytest.raises(DeployError, match=other.partition(":")[0].replace("title", "does not begin")):
        front_matter(tmp_path / "README.md")
