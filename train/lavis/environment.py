"""An environment of its own for LAVIS, whose transformers (4.26) cannot live beside the app's.

    python -m train.lavis.environment [.venv-lavis]

makes it with pip, or leaves it alone if it is up to date. Nothing else is changed. It takes a minute or two and 1.2 GB,
most of both for torch (and more where pip gets torch with CUDA).

Of what LAVIS asks for, only what BLIP-2 needs is installed: `train.lavis.modules` imports no more. This file needs the
standard library alone, so that any Python can start it.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / ".venv-lavis"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
# Without its dependencies: of the 31 that it names (streamlit, spacy, an OpenCV of 2022, ...) BLIP-2 imports eight.
LAVIS = "salesforce-lavis==1.0.2"


class BuildError(RuntimeError):
    """The environment could not be made; the message says what to do."""


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m train.lavis.environment", description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER, help="default: %(default)s")
    try:
        python = build(parser.parse_args(arguments).folder)
    except BuildError as error:
        sys.exit(f"No environment for LAVIS. {error}")
    print(f"Ready: {python} -m train.lavis.export --out FOLDER")


def build(folder: Path) -> Path:
    """Makes the environment in `folder` unless it is there and up to date -> its Python.

    One that is half-built or out of date is made anew.

    Raises:
        BuildError: if no fit Python is found, if `folder` holds something else, or if pip fails.
    """
    python = folder / "bin" / "python"
    # Written last: without its text in the stamp, an environment is not whole.
    recipe = f"{LAVIS}\n{REQUIREMENTS.read_text()}"
    stamp = folder / "made-from.txt"
    if python.exists() and stamp.exists() and stamp.read_text() == recipe:
        return python
    if folder.exists():
        if not stamp.exists() and any(folder.iterdir()):
            raise BuildError(f"{folder} was not made by this program. Remove it or name another folder.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    stamp.touch()
    pip = [python, "-m", "pip", "install", "--no-compile", "--disable-pip-version-check"]
    for command in (
        [find_python(), "-m", "venv", folder],
        [*pip, "-r", REQUIREMENTS],
        [*pip, "--no-deps", LAVIS],
    ):
        try:
            subprocess.run(command, check=True)
        except subprocess.CalledProcessError as error:
            raise BuildError(
                f"This failed (exit status {error.returncode}); its own words are above:\n"
                f"    {' '.join(map(str, command))}\n"
                f"pip needs a package index that it can reach (PIP_INDEX_URL) and 3 GB on the disk, where "
                f"{shutil.disk_usage(folder).free >> 30} are free; venv needs ensurepip (Debian: apt-get install "
                f"python3-venv). Then run this again: it starts from the beginning."
            ) from error
    stamp.write_text(recipe)
    return python


def find_python() -> str:
    """A Python that transformers 4.26 can be installed for: this one, or a python3.11 on the path.

    Raises:
        BuildError: if there is neither.
    """
    if sys.version_info[:2] in ((3, 10), (3, 11)):
        return sys.executable
    if python := shutil.which("python3.11"):
        return python
    raise BuildError(
        f"transformers 4.26 needs tokenizers 0.13, which is published for Python up to 3.11; this is "
        f"{sys.version_info[0]}.{sys.version_info[1]} and there is no python3.11 on the path. Install it."
    )


if __name__ == "__main__":
    main()
