"""A run over one epoch of a few records, undisturbed, and again with a stop in it, by as many processes as start it.

python -m tests.shared_run BASE FOLDER, which holds a picture, sea.png
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from artgpt4.minigpt4 import MiniGPT4Processor
from train import stage1
from train.args import AdapterArguments
from train.data import POOL, Records, loader
from train.loop import accelerator_for
from train.stage1 import train_stage

RECORDS = 2 * 2 * POOL  # two processes, batches of two each


def read(folder: Path, processor: MiniGPT4Processor, rank: int, world_size: int) -> Records:
    """Records of as many answers, of several lengths; they share a picture."""
    answers = ["dark " * (number % 3) + f"sea {number}" for number in range(RECORDS)]
    records = [(folder / "sea.png", [("What is it?", answer)]) for answer in answers]
    return Records(records, processor, 160, 3, rank, world_size)


def main(base: Path, folder: Path) -> None:
    """Writes the logs, and every sample that this process met, to `folder`."""
    processor = MiniGPT4Processor.from_pretrained(base)
    stop_at = None

    def watched_loader(*given) -> Iterator[dict]:
        # Begun before a checkpoint's random state is put back, as `train` does: beginning draws a number of its own.
        return watched(iter(loader(*given)))

    def watched(batches: Iterator[dict]) -> Iterator[dict]:
        for number, batch in enumerate(batches):
            if number == stop_at:
                os.kill(os.getpid(), signal.SIGTERM)
            with open(seen, "a", encoding="utf-8") as file:
                file.writelines(json.dumps([i for i in row if i != -100]) + "\n" for row in batch["labels"].tolist())
            yield batch

    stage1.loader = watched_loader
    for name, stop in (("undisturbed", None), ("stopped", 4), ("stopped", None)):
        values = {"steps": POOL, "batch_size": 4, "log_every": 1, "init_lr": 1e-2, "resume": "auto", "save_every": 3}
        args = AdapterArguments(
            folder / name, base=str(base), mixed_precision="no", dtype="float32", method="lora", lora_rank=4, **values
        )
        accelerator = accelerator_for(args)
        seen = folder / f"{name}-{accelerator.process_index}.jsonl"
        # The launcher tells one process alone here; the others have to learn of it.
        stop_at = stop if accelerator.process_index == 1 else None
        samples = read(folder, processor, accelerator.process_index, accelerator.num_processes)
        try:
            train_stage(accelerator, args, samples, processor)
        except SystemExit as ended:
            assert stop is not None and ended.code == 128 + signal.SIGTERM


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
