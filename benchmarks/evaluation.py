"""What batches save: python -m benchmarks.evaluation [--model NAME] [--batch-size 32]

Answers four questions about each example picture, one by one and in batches, in turns in one process, with the file
written and the pictures opened as `python -m artgpt4.evaluation generate` does; prints answers a second and the ratio.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from tqdm import tqdm

import artgpt4
from artgpt4.evaluation.benchmarks import Item, read_predictions
from artgpt4.evaluation.generate import OurModel, generate

PICTURES = sorted((Path(__file__).resolve().parents[1] / "examples").glob("*.jpg"))
QUESTIONS = (
    "What does this picture make you feel?",
    "Describe this picture in detail.",
    "Give it a title.",
    "Which colours lead, and what is the light like?",
)
TURNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.evaluation", description="What batches save.")
    parser.add_argument("--model", default="mini", help="mini (default), a folder or a Hub id")
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()

    system = OurModel(artgpt4.load(options.model), max_new_tokens=80)
    items = [Item(f"{path.stem} {n}", path.name, (q,)) for n, q in enumerate(QUESTIONS) for path in PICTURES]
    files = [path for _ in QUESTIONS for path in PICTURES]
    seconds = {1: [], options.batch_size: []}
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        generate(items[:2], files[:2], system, Path(folder) / "first.jsonl")  # pays for what is set up once
        for turn in tqdm(range(TURNS), unit="turn"):
            for size, times in seconds.items():
                path = Path(folder) / f"{turn}-{size}.jsonl"
                began = time.perf_counter()
                generate(items, files, system, path, size)
                times.append(time.perf_counter() - began)
                answers[size] = [prediction.answers for prediction in read_predictions(path)]
    same = sum(one == other for one, other in zip(*answers.values(), strict=True))
    one, batched = seconds.values()
    ratios = [alone / together for alone, together in zip(one, batched, strict=True)]
    device = f"{system.chat_model.device}, {system.chat_model.dtype}, threads: {torch.get_num_threads()}"
    print(f"{options.model} on {device}; {len(items)} answers, {same} of them the same; medians of {TURNS} turns")
    print(f"one by one: {len(items) / statistics.median(one):.1f} answers/s")
    print(f"batches of {options.batch_size}: {len(items) / statistics.median(batched):.1f} answers/s")
    print(f"batched / one by one: {statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})")


if __name__ == "__main__":
    main()
