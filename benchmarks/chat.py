"""How long a visitor waits: python -m benchmarks.chat [--model NAME] [--picture FILE] [--no-page]

Prints a table of the waits beside what is to be reached on two CPU cores; then the original demo's way (encode the
picture and read the whole conversation again each round, show the answer when it is finished) beside ours, on the same
weights, with the same questions and answers, in the same process.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import torch

import artgpt4
from artgpt4.chat import ChatModel
from artgpt4.minigpt4 import chat_prompt

ROOT = Path(__file__).resolve().parents[1]
QUESTIONS = (
    "Describe this picture in detail.",
    "What emotions does it evoke?",
    "Why? Point at what in the picture makes you feel so.",
    "Which colours lead, and what is the light like?",
    "How does the composition guide the eye?",
)
ANSWER = {"temperature": 0, "max_new_tokens": 80}
REPEATS = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat", description="How long a visitor waits.")
    parser.add_argument("--model", default="mini", help="mini (default), a folder or a Hub id")
    parser.add_argument("--picture", type=Path, default=ROOT / "tests" / "reference" / "picture.png")
    parser.add_argument("--no-page", action="store_true", help="leave out what starts processes of its own")
    options = parser.parse_args()

    rows = []
    if not options.no_page:
        rows.append(("first page after start", f"{seconds_to_first_page(options.model):.1f} s", "10 s"))
        rows.append(("model ready, in a process of its own", f"{seconds_to_model(options.model):.1f} s", "5 s"))
    model = artgpt4.load(options.model)
    time_ours(model, options.picture)  # the first conversation of a process also pays for what is set up once
    time_original(model, options.picture, [("", "")])
    runs = [time_ours(model, options.picture) for _ in range(REPEATS)]
    ours, starts, speeds, dialogues = zip(*runs, strict=True)
    original = [time_original(model, options.picture, dialogues[0]) for _ in range(REPEATS)]
    ours = [statistics.median(times) for times in zip(*ours, strict=True)]
    original = [statistics.median(times) for times in zip(*original, strict=True)]

    rows.append(("picture given, encoded and read", f"{1000 * statistics.median(starts):.0f} ms", ""))
    for number, seconds in enumerate(ours, start=1):
        limit = {1: "300 ms", 5: "150 ms"}.get(number, "")
        rows.append((f"first text of round {number}", f"{1000 * seconds:.0f} ms", limit))
    rows.append(("speed of the answer", f"{statistics.median(speeds):.0f} tokens/s", "100 tokens/s"))
    threads = f", threads: {torch.get_num_threads()}" if model.device.type == "cpu" else ""
    print(f"\n{model.name} on {model.device}, {model.dtype}{threads}; medians of {REPEATS} conversations\n")
    print_table(("", "measured", "to reach"), rows)
    print("\nTime to the first visible text, original's way and ours\n")
    print_table(
        ("", "original's", "ours", "ratio"),
        [
            (f"round {n}", f"{1000 * theirs:.0f} ms", f"{1000 * mine:.0f} ms", f"{theirs / mine:.0f} x")
            for n, (theirs, mine) in enumerate(zip(original, ours, strict=True), start=1)
            if n in (1, len(ours))
        ],
    )


def seconds_to_first_page(model: str) -> float:
    """From `python app.py` to the page's first byte.

    Raises:
        RuntimeError: if the app ends, or has not answered after two minutes.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    app = subprocess.Popen(
        [sys.executable, "app.py", "--port", str(port), "--model", model], cwd=ROOT, stdout=subprocess.DEVNULL
    )
    try:
        while time.perf_counter() - started < 120:
            if app.poll() is not None:
                raise RuntimeError(f"app.py ended with exit code {app.returncode}; its errors stand above.")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10):
                    return time.perf_counter() - started
            except urllib.error.HTTPError:
                raise
            except OSError:  # not listening yet
                time.sleep(0.05)
        raise RuntimeError("app.py has not answered within two minutes.")
    finally:
        app.terminate()
        app.wait()


def seconds_to_model(name: str) -> float:
    """From the start of a Python process to a model that can be asked, imports included.

    Raises:
        RuntimeError: if it cannot be loaded.
    """
    started = time.perf_counter()
    program = "import sys, artgpt4; artgpt4.load(sys.argv[1]); print('ready', flush=True)"
    with subprocess.Popen([sys.executable, "-c", program, name], cwd=ROOT, stdout=subprocess.PIPE) as process:
        said = process.stdout.readline()
        seconds = time.perf_counter() - started
    if not said:
        raise RuntimeError(f"{name} could not be loaded; the error stands above.")
    return seconds


def time_ours(model: ChatModel, picture: Path) -> tuple[list[float], float, float, list[tuple[str, str]]]:
    """Seconds to the first text of each round, seconds to start, tokens per second, and the dialogue."""
    started = time.perf_counter()
    conversation = model.start(picture)
    start = time.perf_counter() - started
    for question in QUESTIONS:
        for _ in conversation.ask(question, **ANSWER):
            pass
    rounds = conversation.rounds
    speed = sum(round.tokens for round in rounds) / sum(round.seconds for round in rounds)
    return [r.first_text_seconds for r in rounds], start, speed, [(r.question, r.answer) for r in rounds]


@torch.inference_mode()
def time_original(model: ChatModel, picture: Path, dialogue: list[tuple[str, str]]) -> list[float]:
    """Seconds to the answer of each round, as MiniGPT-4's and ArtGPT-4's demo computes and shows it."""
    opened = model.start(picture).picture
    seconds = []
    for number, (question, _) in enumerate(dialogue):
        started = time.perf_counter()
        ids = model.processor.tokenize(chat_prompt([*dialogue[:number], (question, None)]))
        new_ids = model.base.generate(
            torch.tensor([ids], device=model.device),
            pixel_values=model.processor.pixel_values([opened]).to(model.device, model.dtype),
            do_sample=False,
            max_new_tokens=ANSWER["max_new_tokens"],
            eos_token_id=sorted(model.end_ids),
            pad_token_id=min(model.end_ids),
            stop_strings=["###"],
            tokenizer=model.processor.tokenizer,
        )
        model.processor.tokenizer.decode(new_ids[0])
        seconds.append(time.perf_counter() - started)
    return seconds


def print_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    for row in [head, tuple("-" * width for width in widths), *rows]:
        first, *others = zip(row, widths, strict=True)
        print("  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]))


if __name__ == "__main__":
    main()
