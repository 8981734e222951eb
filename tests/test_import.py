"""Importing the package is cheap, and enters our classes in PEFT and transformers whatever is imported first."""

import subprocess
import sys

import pytest

_KNOWN = (
    "from transformers.models.auto.configuration_auto import CONFIG_MAPPING\n"
    "from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING as methods\n"
    "assert 'minigpt4' in CONFIG_MAPPING and 'IMAGE_ADAPTER' in methods\n"
)


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("first", ["import artgpt4, peft", "import peft, artgpt4", "import artgpt4.image_adapter"])
def test_peft_and_transformers_know_our_classes_in_either_order(first):
    run(f"{first}\n{_KNOWN}")


def test_reading_and_scoring_load_neither_torch_nor_transformers():
    run(
        "import sys, artgpt4, artgpt4.evaluation.__main__\n"
        "heavy = {'torch', 'transformers', 'peft'} & sys.modules.keys()\n"
        "assert not heavy, heavy\n"
    )
