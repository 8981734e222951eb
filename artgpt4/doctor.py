"""Whether this machine can run the app, and what to do where it cannot: python -m artgpt4.doctor [--model NAME]

One line a check, "ok" or "fix"; the exit code is 0 if all are ok. A model on the Hub is fetched if it is not here yet.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from artgpt4.backup import data_folder

REQUIREMENTS = Path(__file__).parents[1] / "requirements.txt"
#: Bytes on the disk for what visitors upload and create.
ROOM = 2**30
OLDEST = (3, 11)


class Fix(Exception):
    """A check that failed. Its text says what is wrong and what to do."""


def check_python() -> str:
    """3.11 or newer."""
    if sys.version_info[:2] < OLDEST:
        raise Fix(f"{platform.python_version()} is too old; install Python 3.11 or newer.")
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def check_versions(requirements: Path = REQUIREMENTS) -> str:
    """The packages that requirements.txt names, in the versions it pins."""
    if not requirements.is_file():
        raise Fix(f"{requirements.name} is not there; get the whole repository.")
    lines = [line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    wanted, wrong = [Requirement(line) for line in lines if line and not line.startswith("-")], []
    for requirement in wanted:
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement} is missing")
        else:
            if not requirement.specifier.contains(found, prereleases=True):
                wrong.append(f"{requirement.name} is {found}, not {requirement.specifier}")
    if wrong:
        raise Fix("; ".join(wrong) + f": `python -m pip install -r {requirements.name}`.")
    return f"{len(wanted)} packages as pinned: torch {version('torch')}, gradio {version('gradio')}"


def check_gpu() -> str:
    """Whether torch can use what there is; a machine without one is well."""
    import torch

    if torch.backends.mps.is_available():
        return "Apple GPU (mps)"
    if not torch.cuda.is_available():
        if shutil.which("nvidia-smi"):
            raise Fix(
                f"There is an NVIDIA driver, and torch {torch.__version__} does not reach it (built for CUDA "
                f"{torch.version.cuda}): install the torch build for your driver, or go on with the CPU."
            )
        return "none: models run on the CPU"
    try:
        torch.ones(8, device="cuda").sum().item()
    except RuntimeError as error:
        raise Fix(f"torch sees a GPU and cannot compute on it ({error}); update its driver.") from error
    free, total = torch.cuda.mem_get_info()
    return f"{torch.cuda.get_device_name()}, {free / 1e9:.1f} of {total / 1e9:.1f} GB free"


def check_disk() -> str:
    """Room for what visitors upload and create, where the data lies and where uploads go."""
    places = {"data": data_folder(), "uploads": Path(tempfile.gettempdir())}
    free = {name: shutil.disk_usage(_existing(folder)).free for name, folder in places.items()}
    for name, count in free.items():
        if count < ROOM:
            raise Fix(f"{count / 1e9:.1f} GB free for {name}; make room for {ROOM / 1e9:.1f} GB.")
    return ", ".join(f"{count / 1e9:.1f} GB free for {name}" for name, count in free.items())


def check_data() -> str:
    """Whether the folder of what visitors create can be written."""
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Fix(f"{folder} cannot be written ({error.strerror}); set ARTGPT4_DATA to a folder that can.") from error
    return f"{folder} can be written"


def check_weights(name: str) -> str:
    """Whether the model's files are here, as they were published."""
    from artgpt4.loading import LoadError
    from artgpt4.selftest import SelfTestError, check_files

    try:
        return check_files(name)
    except (LoadError, SelfTestError) as error:
        raise Fix(str(error)) from error


def check_memory(name: str) -> str:
    """Whether the model fits where it would run."""
    from artgpt4.loading import AUTO_DTYPES, LoadError, choose_device, model_folders
    from artgpt4.memory import available, gigabytes, needed

    device = choose_device("auto")
    dtype = AUTO_DTYPES[device.type]
    try:
        folders = [folder for folder in model_folders(name) if folder]
    except LoadError as error:
        raise Fix(str(error)) from error
    needs, has = needed(folders, dtype), available(device)
    said = f"{name} needs {gigabytes(needs)} in {str(dtype).removeprefix('torch.')}, {gigabytes(has)} free on {device}"
    if needs > has:
        raise Fix(f"{said}; take a machine with more, a smaller model, or quantization='8bit' or '4bit' on a GPU.")
    return said


def check_answer(name: str) -> str:
    """Whether the model says what it is known to say."""
    from artgpt4.loading import LoadError, load
    from artgpt4.selftest import SelfTestError, check_answer

    try:
        return check_answer(name, load(name))
    except (LoadError, SelfTestError) as error:
        raise Fix(str(error)) from error


def checks(model: str) -> list[tuple[str, Callable[[], str]]]:
    """Name and function of every check, in the order in which one would mend what is wrong."""
    return [
        ("Python", check_python),
        ("versions", check_versions),
        ("GPU", check_gpu),
        ("disk", check_disk),
        ("data folder", check_data),
        ("weights", lambda: check_weights(model)),
        ("memory", lambda: check_memory(model)),
        ("answer", lambda: check_answer(model)),
    ]


def main(arguments: list[str] | None = None) -> int:
    """Prints a line for each check; returns 0 if all are well, else 1."""
    parser = argparse.ArgumentParser(prog="python -m artgpt4.doctor", description="Can this machine run the app?")
    model = os.environ.get("ARTGPT4_MODEL") or "mini"
    parser.add_argument("--model", default=model, help="mini, a folder or a Hub id; default: $ARTGPT4_MODEL, or mini")
    model, is_well = parser.parse_args(arguments).model, True
    for name, check in checks(model):
        try:
            print(f"ok   {name:12} {check()}", flush=True)
        except Fix as error:
            is_well = False
            print(f"fix  {name:12} {error}", flush=True)
        except Exception as error:  # a package that is missing, weights cut short: the other lines say which
            is_well = False
            print(f"fix  {name:12} {type(error).__name__}: {error}; mend the lines above first.", flush=True)
    return 0 if is_well else 1


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return folder if folder.exists() else _existing(folder.parent)


if __name__ == "__main__":
    sys.exit(main())
