"""Puts a trained embedded model where `artgpt4.load("mini")` finds it: base and adapter, in bfloat16, with its card.

python -m train.embed_mini --base runs/mini/queries/minigpt4 --adapter runs/mini/stage2/final --emotion-temperature 1.7

The temperature is `python -m train.calibrate`'s.
"""

import argparse
import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from artgpt4.loading import MINI
from artgpt4.selftest import record


def embed(base: Path, adapter: Path, out: Path, emotion_temperature: float = 1.0) -> None:
    """Writes `out/minigpt4` and `out/artgpt4`, which names its base as `../minigpt4`, and what the model says.

    The emotion's temperature goes into the base's config.

    Raises:
        FileNotFoundError: if one of the folders is not what its name says; nothing is written then.
    """
    config = adapter / "adapter_config.json"
    for needed in (base / "config.json", config, adapter / "adapter_model.safetensors"):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed} is missing; train the base and both stages first, see README.md")
    for name in ("minigpt4", "artgpt4"):
        shutil.rmtree(out / name, ignore_errors=True)
    shutil.copytree(base, out / "minigpt4")
    settings = json.loads((base / "config.json").read_text(encoding="utf-8"))
    settings["emotion_temperature"] = emotion_temperature
    (out / "minigpt4" / "config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    (out / "artgpt4").mkdir()
    weights = load_file(adapter / "adapter_model.safetensors")
    weights = {name: tensor.to(torch.bfloat16) for name, tensor in weights.items()}
    save_file(weights, out / "artgpt4" / "adapter_model.safetensors", metadata={"format": "pt"})
    settings = json.loads(config.read_text(encoding="utf-8")) | {"base_model_name_or_path": "../minigpt4"}
    (out / "artgpt4" / "adapter_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    for path in out.rglob("*.safetensors"):
        path.chmod(0o644)
    record(str(out))  # for python -m artgpt4.doctor


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--adapter", type=Path, required=True)
    parser.add_argument("--emotion-temperature", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=MINI.parent)
    given = parser.parse_args()
    embed(given.base, given.adapter, given.out, given.emotion_temperature)
    size = sum(path.stat().st_size for path in given.out.rglob("*.safetensors"))
    print(f"{given.out}: {size / 1e6:.1f} MB of weights")


if __name__ == "__main__":
    main()
