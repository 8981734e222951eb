"""Puts a model folder on the Hugging Face Hub, as `artgpt4.load` and `python app.py --model owner/name` take it.

    python -m artgpt4.hub push FOLDER owner/name [--private] [--license cc-by-4.0] [--base owner/base]

An adapter whose base is a folder here goes up with it, as artgpt4/ and minigpt4/; `--base` names the base on the Hub
instead. Training states, pickles and code stay here.
"""

import argparse
import json
import re
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError

from artgpt4.loading import HUB_FILES, LoadError, load, model_folders

RECIPE = "training.yaml"
# What train's stages read; the rest of a recipe is numbers, and the model it started from.
_DATA = ("shards", "cc_sbu_align", "llava", "images", "paintingform", "artemis", "wikiart")
_OF_THIS_MACHINE = (*_DATA, "output", "token_cache", "resume", "push_to_hub", "hub_private", "num_workers")


class HubError(RuntimeError):
    """A push that did not succeed. Its text is one line that says why and what to do."""


def push(folder: Path, repo_id: str, private: bool = False, license: str = "", base: str = "") -> str:
    """Uploads the model in `folder` in one commit, with a model card; returns the model's address.

    A README.md of the folder's own is kept as the card, PEFT's template is not. Model files of an earlier push that
    this one does not have are removed from the repository.

    Args:
        folder: what `artgpt4.load` opens: an adapter, a base, or both as `artgpt4.convert` writes them.
        repo_id: owner/name; made if it is not there.
        private: whether a repository that is made now is private.
        license: the Hub's name of a licence, such as cc-by-4.0; without one the card says that it is missing.
        base: Hub id of an adapter's base, if it is there already.

    Raises:
        HubError: if the folder cannot be loaded, there is no token, or the Hub does not take it.
    """
    if not get_token():
        raise HubError("There is no token for the Hugging Face Hub: `hf auth login`, or set HF_TOKEN; then push again.")
    if not Path(folder).is_dir():
        raise HubError(f"There is no folder {str(folder)!r} to push.")
    try:
        base_folder, adapter_folder = model_folders(str(folder))
        load(str(folder), device="cpu", dtype="bfloat16")
    except LoadError as error:
        raise HubError(f"{folder} is not pushed, since it could not be loaded from there either: {error}") from error
    files, base = _files(base_folder, adapter_folder, base)
    run = adapter_folder or base_folder
    plot = run.parent / "loss.png"
    has_plot = (run / RECIPE).is_file() and run.name == "final" and plot.is_file()
    if has_plot:
        files["loss.png"] = plot
    own_card = Path(folder) / "README.md"
    if own_card.is_file() and "# Model Card for Model ID" not in own_card.read_text(encoding="utf-8"):
        files["README.md"] = own_card
    else:
        files["README.md"] = model_card(run, repo_id, license, base, has_plot).encode()
    try:
        api = HfApi()
        address = api.create_repo(repo_id, private=private or None, exist_ok=True)
        stale = [name for name in api.list_repo_files(repo_id) if _is_model_file(name) and name not in files]
        operations = [CommitOperationAdd(name, str(f) if isinstance(f, Path) else f) for name, f in files.items()]
        operations += [CommitOperationDelete(name) for name in stale]
        api.create_commit(repo_id, operations, commit_message=f"Push {Path(folder).name}")
    except Exception as error:  # its HTTP client's, the file system's, and plain ValueErrors and RuntimeErrors
        raise HubError(f"{repo_id} was not pushed: {_reason(error)}") from error
    return str(address)


def _files(base_folder: Path, adapter_folder: Path | None, base: str) -> tuple[dict[str, Path | bytes], str]:
    """Path in the repository -> what goes there, and the Hub id of an adapter's base if it has one."""
    if adapter_folder is None:
        return _model_files(base_folder, ""), ""
    config = json.loads((adapter_folder / "adapter_config.json").read_text(encoding="utf-8"))
    named = config["base_model_name_or_path"]
    if not base and not (adapter_folder / named).is_dir() and not Path(named).expanduser().is_dir():
        base = named
    prefix = "" if base else "artgpt4/"
    files: dict[str, Path | bytes] = _model_files(adapter_folder, prefix)
    config["base_model_name_or_path"] = base or "../minigpt4"
    files[prefix + "adapter_config.json"] = json.dumps(config, indent=2).encode()
    return files | ({} if base else _model_files(base_folder, "minigpt4/")), base


def _model_files(folder: Path, prefix: str) -> dict[str, Path | bytes]:
    return {
        prefix + file.name: file
        for file in sorted(folder.iterdir())
        if file.is_file() and any(fnmatch(file.name, pattern) for pattern in HUB_FILES)
    }


def _is_model_file(name: str) -> bool:
    """Whether a push may have put it there."""
    place, _, file = name.rpartition("/")
    return place in ("", "artgpt4", "minigpt4") and any(fnmatch(file, pattern) for pattern in HUB_FILES)


def _reason(error: Exception) -> str:
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if status == 401:
        return "the Hub does not accept the token; `hf auth login` with a new one."
    if status == 403:
        return "the token may not write there; take one with write access, or another owner."
    said = " ".join(str(error).split())[:300]
    return f"{said} ({type(error).__name__}); push again, what is there already is not sent twice."


def model_card(folder: Path, repo_id: str, license: str, base: str, has_plot: bool) -> str:
    """The card of the model in `folder`, from what its training left there: its recipe, and the log beside it."""
    metadata = {"pipeline_tag": "image-text-to-text", "tags": ["art", "artgpt4"]}
    if license:
        metadata["license"] = license
    if base:
        metadata["base_model"] = base
    recipe = _recipe(folder)
    parts = [
        f"---\n{yaml.safe_dump(metadata, sort_keys=False)}---",
        f"# {repo_id.partition('/')[2]}",
        f"To talk with it about a picture: `python app.py --model {repo_id}`; in Python `artgpt4.load({repo_id!r})`.",
    ]
    if base:
        parts.append(f"An adapter for [{base}](https://huggingface.co/{base}), which is fetched with it.")
    elif (folder / "adapter_config.json").is_file():
        parts.append("The adapter is in `artgpt4/`, the base that it was trained on in `minigpt4/`.")
    if recipe:
        data = [f"- {name}: `{_shown(recipe[name])}`" for name in _DATA if recipe.get(name)]
        kept = {name: _shown(value) for name, value in recipe.items() if name not in _OF_THIS_MACHINE and value != ""}
        parts += ["## Data", "\n".join(data), "## Recipe", f"```yaml\n{yaml.safe_dump(kept, sort_keys=False)}```"]
        parts += _figures(folder)
        parts += ["![loss over steps](loss.png)"] if has_plot else []
    else:
        parts += ["## Training", "No record of a training run lay with these weights."]
    parts += ["## Licence", license or "Not stated yet. It cannot allow more than the base's and the data's licences."]
    return "\n\n".join(parts) + "\n"


def _recipe(folder: Path) -> dict[str, Any]:
    file = folder / RECIPE
    return yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _figures(folder: Path) -> list[str]:
    """The last row of the run's log that this checkpoint has seen."""
    log = folder.parent / "log.jsonl"
    rows = [json.loads(row) for row in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
    step = re.fullmatch(r"step-(\d+)", folder.name)
    rows = [row for row in rows if not step or row["step"] <= int(step[1])]
    if not rows:
        return []
    return ["## Figures", f"Training loss {rows[-1]['loss']:.3f} nats per token after {rows[-1]['step']} steps."]


def _shown(value: Any) -> Any:
    """A value for everybody's eyes: no folders above the last two names, no commands or keys in addresses."""
    if isinstance(value, dict):  # sets of shards, with their weights
        return ", ".join(
            f"{_shown(name)} ({weight:g})" if len(value) > 1 else _shown(name) for name, weight in value.items()
        )
    if not isinstance(value, str):
        return value
    if value.startswith("pipe:"):
        return "a pipe"
    return value.partition("?")[0] if "://" in value else "/".join(Path(value).parts[-2:])


def main(argv: list[str] | None = None) -> int:
    """Reads the command line and pushes; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["push"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("repo_id", metavar="owner/name")
    parser.add_argument("--private", action="store_true", help="make the repository a private one")
    parser.add_argument("--license", default="", help="the Hub's name of the licence, for the card")
    parser.add_argument("--base", default="", help="the adapter's base on the Hub, so that it need not go up too")
    given = parser.parse_args(argv)
    try:
        print(push(given.folder, given.repo_id, given.private, given.license, given.base))
    except HubError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
