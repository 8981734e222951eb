"""LAVIS' BLIP-2 and ours on the same weights of toy size: do they compute the same?

    python -m train.lavis.crosscheck [--environment .venv-lavis]

makes LAVIS' environment if need be, lets LAVIS build a small BLIP-2, run it and export it (`train.lavis.tiny`),
converts the files with `artgpt4.convert` and compares what the two compute of the same pictures. Exit status 1 if they
differ.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForImageTextToText

from artgpt4.convert import convert
from train.lavis import environment

ROOT = Path(__file__).parents[2]
# float32, and another order of summation.
TOLERANCE = 1e-5


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m train.lavis.crosscheck", description=__doc__.splitlines()[0])
    parser.add_argument("--environment", type=Path, default=environment.FOLDER, help="default: %(default)s")
    given = parser.parse_args(arguments)
    try:
        python = environment.build(given.environment)
    except environment.BuildError as error:
        sys.exit(f"No environment for LAVIS. {error}")
    with tempfile.TemporaryDirectory() as folder:
        run_lavis(python, Path(folder))
        differences = compare(Path(folder))
    for name, difference in differences.items():
        print(f"{name:<14} differs by {difference:.1e} at most, of {TOLERANCE:.0e} allowed")
    if max(differences.values()) > TOLERANCE:
        sys.exit("LAVIS and artgpt4 do not compute the same.")


def run_lavis(python: Path, folder: Path) -> None:
    """`train.lavis.tiny` in LAVIS' environment.

    Raises:
        subprocess.CalledProcessError: if it fails; its own words are then on the terminal.
    """
    subprocess.run([python, "-m", "train.lavis.tiny", folder], cwd=ROOT, check=True)


def compare(folder: Path) -> dict[str, float]:
    """What `train.lavis.tiny` left in `folder`, converted and run -> the largest difference in each of its answers.

    Raises:
        ConversionError: if the exported files do not make a model.
    """
    exported = folder / "exported"
    qformer = exported / "blip2_pretrained_flant5xxl.pth"
    convert_tiny(exported / "eva_vit_g.pth", qformer, folder / "dims.json", folder / "converted")
    model = AutoModelForImageTextToText.from_pretrained(folder / "converted" / "minigpt4").eval()
    answers = torch.load(folder / "answers.pt")
    with torch.inference_mode():
        ours = {
            "vision_hidden": model.vision_model(answers["pixel_values"]).last_hidden_state,
            "query_output": model.encode_picture(answers["pixel_values"]),
        }
    return {name: (ours[name] - answers[name]).abs().max().item() for name in ours}


def convert_tiny(vision: Path, qformer: Path, dims: Path, out: Path) -> None:
    """Converts towers of toy size, with the small language model and adapter of the tests behind them."""
    reference = ROOT / "tests" / "reference"
    convert(
        vision=str(vision),
        qformer=str(qformer),
        llm=str(reference / "vicuna"),
        adapter=str(reference / "ArtGPT-4.pth"),
        dims=dims,
        dtype="float32",
        out=out,
    )


if __name__ == "__main__":
    main()
