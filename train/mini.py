"""The embedded model from nothing: paints, trains base and both stages, evaluates, and says how long each step took.

    python -m train.mini [--processes 2]

Every step is the command that README.md shows, with its seed; a step whose result is there is not done again, so that
the same command goes on after an interruption. `python -m train.embed_mini` then puts the result into the package.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

DATA, RUNS = Path("data/mini"), Path("runs/mini")
PYTHON = [sys.executable, "-m"]


def steps(processes: int) -> list[tuple[str, Path, list[str]]]:
    """Name, what it leaves, and command of each step."""
    train = ["torch.distributed.run", "--standalone", "--nproc_per_node", str(processes), "-m"]
    workers = ["--workers", str(processes)]
    config = "train/configs/mini_{}.yaml".format
    cache = f"token_cache={RUNS / 'tokens'}"
    paint = "train.painter"
    return [
        (
            "paint for the base and stage 1",
            DATA / "shards.done",
            [paint, "shards", "--out", str(DATA / "shards"), "--count", "48000", "--seed", "1", *workers],
        ),
        (
            "paint for stage 2",
            DATA / "cc_sbu_align" / "facts.json",
            [paint, "cc_sbu_align", "--out", str(DATA / "cc_sbu_align"), "--count", "10000", "--seed", "2", *workers],
        ),
        ("tokenizer", DATA / "tokenizer" / "tokenizer.model", ["train.painter.tokenizer", str(DATA / "tokenizer")]),
        ("base", RUNS / "base" / "minigpt4" / "config.json", [*train, "train.base", "--config", config("base")]),
        ("stage 1", RUNS / "stage1" / "final", [*train, "train.stage1", "--config", config("stage1")]),
        (
            "tokens of stage 2's pictures",
            RUNS / "tokens",
            ["train.tokens", "stage2", "--config", config("stage2"), cache],
        ),
        ("stage 2", RUNS / "stage2" / "final", [*train, "train.stage2", "--config", config("stage2"), cache]),
        (
            "evaluation",
            RUNS / "figures.json",
            ["train.evaluate_mini", "--model", str(RUNS / "stage2" / "final"), "--json", str(RUNS / "figures.json")],
        ),
    ]


def main() -> None:
    """Command line. A step that fails ends the run with its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2, help="one a core of a small machine; 1 on a GPU")
    given = parser.parse_args()
    times_file = RUNS / "times.json"
    RUNS.mkdir(parents=True, exist_ok=True)
    times = json.loads(times_file.read_text(encoding="utf-8")) if times_file.is_file() else {}
    environment = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    for name, leaves, command in steps(given.processes):
        if leaves.exists():
            print(f"{name}: {leaves} is there")
            continue
        print(f"{name}: python -m {' '.join(command)}", flush=True)
        started = time.monotonic()
        ended = subprocess.run([*PYTHON, *command], env=environment)
        if ended.returncode:
            raise SystemExit(ended.returncode)
        if leaves.suffix == ".done":  # shards are written one by one: the last one alone does not tell that all are
            leaves.touch()
        times[name] = round(time.monotonic() - started)
        times_file.write_text(json.dumps(times, indent=1) + "\n", encoding="utf-8")
    minutes = sum(times.values()) / 60
    print("\n".join(f"{name}: {seconds / 60:.1f} min" for name, seconds in times.items()))
    print(
        f"{minutes:.0f} minutes in all; next: python -m train.embed_mini --base {RUNS}/base/minigpt4 "
        f"--adapter {RUNS}/stage2/final"
    )


if __name__ == "__main__":
    main()
