"""Puts the app on a Hugging Face Space: python -m artgpt4.deploy owner/space [--yes]

Without --yes it only says what it would do. Values of secrets are read from the environment, and never printed.
"""

import argparse
import os
import re
import sys
from importlib.metadata import version
from pathlib import Path

import httpx2
import yaml
from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import filter_repo_objects, validate_repo_id

ROOT = Path(__file__).parents[1]
#: What a Space needs of the repository.
FILES = ["app.py", "README.md", "requirements.txt", "LICENSE", "CITATION.cff", "artgpt4/**", "examples/**", "docs/**"]
LEFT_OUT = ["**/__pycache__/**", "**/.*"]
#: The colours that a Space's card may have, and how long its short description may be.
_COLOURS = ("red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray")
_SHORT = 60


class DeployError(RuntimeError):
    """A deployment that cannot be made. Its text is one line that says why and what to do."""


def front_matter(readme: Path) -> dict:
    """The settings at the head of a Space's README.md. Raises DeployError: the Hub would not take them."""
    match = re.match(r"---\n(.*?)\n---\n", readme.read_text(encoding="utf-8"), re.DOTALL)
    card = yaml.safe_load(match[1]) if match else None
    if not isinstance(card, dict):
        raise DeployError(f"{readme.name} does not begin with the settings of a Space, between two lines of ---.")
    rules = {
        "title": bool(card.get("title")),
        "sdk": card.get("sdk") == "gradio",
        "sdk_version": card.get("sdk_version") == version("gradio"),
        "app_file": (readme.parent / str(card.get("app_file"))).is_file(),
        "python_version": str(card.get("python_version", "")).startswith("3."),
        "colorFrom": card.get("colorFrom") in _COLOURS,
        "colorTo": card.get("colorTo") in _COLOURS,
        "short_description": len(card.get("short_description", "")) <= _SHORT,
    }
    wrong = [f"{name}: {card.get(name)!r}" for name, ok in rules.items() if not ok]
    if wrong:
        raise DeployError(
            f"The settings at the head of {readme.name} are not what a Space takes: {', '.join(wrong)}. (sdk_version "
            f"must be {version('gradio')}, which is installed here; a short description has {_SHORT} characters.)"
        )
    return card


def files(root: Path = ROOT) -> list[str]:
    """Paths of what goes up, from the root of the repository."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return list(filter_repo_objects(paths, allow_patterns=FILES, ignore_patterns=LEFT_OUT))


def deploy(
    repo_id: str,
    variables: dict[str, str],
    secrets: list[str],
    hardware: str | None = None,
    private: bool = False,
    root: Path = ROOT,
) -> str:
    """Makes the Space if it is not there, gives it settings and hardware, and uploads the app; returns its address.

    Settings come before the files: the first start has them already.

    Args:
        repo_id: owner/space.
        variables: environment variables that everybody may see.
        secrets: names of environment variables whose values here become the Space's secrets.
        hardware: the Hub's name of it, such as cpu-basic, zero-a10g, t4-small or a100-large; None leaves it as it is.
        private: whether a Space that is made now is private.

    Raises:
        DeployError: something is missing here, or the Hub does not take it.
    """
    check(repo_id, secrets, root)
    api = HfApi()
    try:
        api.create_repo(repo_id, repo_type="space", space_sdk="gradio", private=private, exist_ok=True)
        for name, value in variables.items():
            api.add_space_variable(repo_id, name, value)
        for name in secrets:
            api.add_space_secret(repo_id, name, _secret(name))
        if hardware:
            api.request_space_hardware(repo_id, hardware)
        api.upload_folder(
            repo_id=repo_id,
            repo_type="space",
            folder_path=root,
            allow_patterns=FILES,
            ignore_patterns=LEFT_OUT,
            delete_patterns=["artgpt4/**"],
            commit_message="The app",
        )
    except (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError) as error:
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
        hint = "; may your token write there? `hf auth login` with one that may" if status in (401, 403) else ""
        said = " ".join(str(error).split())[:300]
        raise DeployError(f"The Hub did not take it{hint} ({said}). What was done stays; run this again.") from error
    return f"{api.endpoint}/spaces/{repo_id}"


def check(repo_id: str, secrets: list[str], root: Path = ROOT) -> None:
    """Finds what would go wrong, before anything is done. Raises DeployError."""
    try:
        validate_repo_id(repo_id)
    except HFValidationError as error:
        raise DeployError(f"{repo_id!r} is no name of a Space: {error}") from error
    if repo_id.count("/") != 1:
        raise DeployError(f"{repo_id!r} is no name of a Space; give owner/space.")
    missing = [name for name in secrets if not _secret(name)]
    if missing:
        raise DeployError(f"{', '.join(missing)}: no such secret in the environment here; set it, then run this again.")
    if not get_token():
        raise DeployError("There is no token for the Hugging Face Hub: `hf auth login`, or set HF_TOKEN.")
    front_matter(root / "README.md")


def _secret(name: str) -> str:
    return os.environ.get(name) or (get_token() or "" if name == "HF_TOKEN" else "")


def main(arguments: list[str] | None = None) -> int:
    """Reads the command line, says what is done, and does it with --yes; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repo_id", metavar="owner/space")
    parser.add_argument("--model", help="Hub id of the model that answers; without it the embedded one")
    parser.add_argument("--backup", help="owner/name of a private dataset that keeps what visitors create")
    parser.add_argument("--hardware", help="cpu-basic, zero-a10g, t4-small, a10g-large, a100-large, ...")
    parser.add_argument("--variable", action="append", default=[], metavar="NAME=VALUE", help="may be repeated")
    parser.add_argument("--secret", action="append", default=[], metavar="NAME", help="its value is taken from here")
    parser.add_argument("--private", action="store_true", help="make the Space a private one")
    parser.add_argument("--yes", action="store_true", help="do it; without this nothing is changed")
    given = parser.parse_args(arguments)
    try:
        variables, secrets = _settings(given)
        check(given.repo_id, secrets)
        paths = files()
        size = sum((ROOT / path).stat().st_size for path in paths)
        visibility = "private" if given.private else "public"
        print(f"Space      {given.repo_id}, made as a {visibility} one if it is not there")
        print(f"hardware   {given.hardware or 'as it is (a new Space: cpu-basic, free)'}")
        for name, value in variables.items():
            print(f"variable   {name}={value}")
        for name in secrets:
            print(f"secret     {name}, as it is set here")
        print(f"files      {len(paths)}, {size / 1e6:.1f} MB: {', '.join(sorted({p.split('/')[0] for p in paths}))}")
        if not given.yes:
            print("\nNothing was done. To do it, run this again with --yes.")
            return 0
        print(deploy(given.repo_id, variables, secrets, given.hardware, given.private))
    except DeployError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _settings(given: argparse.Namespace) -> tuple[dict[str, str], list[str]]:
    wrong = [setting for setting in given.variable if "=" not in setting]
    if wrong:
        raise DeployError(f"--variable {wrong[0]}: give NAME=VALUE.")
    variables = dict(setting.split("=", 1) for setting in given.variable)
    if given.model:
        variables["ARTGPT4_MODEL"] = given.model
    secrets = list(given.secret)
    if given.backup:
        variables["ARTGPT4_BACKUP"] = given.backup
        secrets += [] if "HF_TOKEN" in secrets else ["HF_TOKEN"]
    return variables, secrets


if __name__ == "__main__":
    sys.exit(main())
