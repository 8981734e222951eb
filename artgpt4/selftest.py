"""What a model says to a picture that needs no file: recorded beside its weights, and asked again where it is to run.

python -m artgpt4.selftest [MODEL]  records it; python -m artgpt4.doctor asks again.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

from PIL import Image

from artgpt4.chat import ChatModel
from artgpt4.emotions import EMOTION_QUESTION, emotion_probabilities
from artgpt4.loading import load, model_folders

NAME = "selftest.json"
#: How far p(emotion | picture) may be from the record: float32 differs between processors in the sixth digit.
TOLERANCE = {"float32": 0.01, "bfloat16": 0.1, "float16": 0.1}


class SelfTestError(RuntimeError):
    """A model that is not what was recorded. Its text is one line that says where it differs and what to do."""


def picture() -> Image.Image:
    """[256, 256] RGB: a gradient to the right, one downwards and one from the middle, the same to the bit anywhere."""
    down = Image.linear_gradient("L")
    return Image.merge("RGB", [down.rotate(90), down, Image.radial_gradient("L")])


def record(name: str) -> Path:
    """Writes what the model called `name` (a folder, or ``mini``) says and is made of beside it; returns the file."""
    for file in _record_files(name):
        file.unlink(missing_ok=True)
    model = load(name, device="cpu", dtype="float32")
    said = {"question": EMOTION_QUESTION, "answer": _answer(model), "emotions": _emotions(model)}
    file = _record_files(name)[0]
    file.write_text(json.dumps(said | {"sha256": fingerprints(name)}, indent=2) + "\n", encoding="utf-8")
    return file


def recorded(name: str) -> dict[str, Any] | None:
    """What was recorded with the model; None if nothing was."""
    file = next((file for file in _record_files(name) if file.is_file()), None)
    return json.loads(file.read_text(encoding="utf-8")) if file else None


def fingerprints(name: str) -> dict[str, str]:
    """SHA-256 of the tokenizer's and the weights' files, named base/FILE and adapter/FILE."""
    base, adapter = model_folders(name)
    return {
        f"{kind}/{file.name}": _sha256(file)
        for kind, folder in (("base", base), ("adapter", adapter))
        for file in (sorted(folder.iterdir()) if folder else ())
        if file.suffix == ".safetensors" or file.name.startswith("tokenizer.")
    }


def check_files(name: str) -> str:
    """Compares the files with the record; returns what there is to say. Raises SelfTestError."""
    found, record = fingerprints(name), recorded(name)
    tokenizer = next((sha for file, sha in found.items() if "/tokenizer." in file), "none")
    if record is None:
        return f"{len(found)} files, tokenizer {tokenizer[:12]}; no {NAME} beside them to compare with"
    wrong = sorted(file for file, sha in record["sha256"].items() if found.get(file) != sha)
    if wrong:
        raise SelfTestError(f"{', '.join(wrong)}: missing, or not as published; fetch {name} again.")
    return f"{len(found)} files as published, tokenizer {tokenizer[:12]}"


def check_answer(name: str, model: ChatModel) -> str:
    """Asks the model what was recorded; returns what there is to say. Raises SelfTestError."""
    record, dtype = recorded(name), str(model.dtype).removeprefix("torch.")
    answer = _answer(model)
    if record is None:
        return f"no {NAME} to compare with; it says: {answer}"
    found = _emotions(model)
    emotion = max(found, key=lambda emotion: abs(found[emotion] - record["emotions"][emotion]))
    if abs(found[emotion] - record["emotions"][emotion]) > TOLERANCE[dtype]:
        raise SelfTestError(
            f"p({emotion}) of the test picture is {found[emotion]:.3f}, and {record['emotions'][emotion]:.3f} was "
            f"recorded; install the versions in requirements.txt, and fetch {name} again."
        )
    if dtype == "float32" and answer != record["answer"]:
        raise SelfTestError(
            f"It says {answer!r}, and {record['answer']!r} was recorded; install the versions in requirements.txt, "
            f"and fetch {name} again."
        )
    return answer


def _record_files(name: str) -> list[Path]:
    base, adapter = model_folders(name)
    return [folder / NAME for folder in (adapter, base) if folder]


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _answer(model: ChatModel) -> str:
    conversation = model.start(picture())
    *_, text = ["", *conversation.ask(EMOTION_QUESTION, temperature=0, max_new_tokens=16)]
    conversation.close()
    return text


def _emotions(model: ChatModel) -> dict[str, float]:
    return {emotion: round(p, 4) for emotion, p in emotion_probabilities(model, picture()).items()}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m artgpt4.selftest", description="Records what a model says to a test picture beside its weights."
    )
    parser.add_argument("model", nargs="?", default="mini", help="mini (default) or a folder")
    print(record(parser.parse_args().model))


if __name__ == "__main__":
    main()
