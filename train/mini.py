"""The embedded model from nothing: paints, trains base and both stages, evaluates, and times each step.

    python -m train.mini [--processes 2]

Every step is the command that README.md shows, with its seed; a step whose result is there is not done again, so that
the same command goes on after an interruption. The logs are kept as `docs/mini/*.jsonl`, with a plot of them.
`python -m train.calibrate` then says how sure its emotions may be; `python -m train.embed_mini` puts the result into
the package.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

DATA, RUNS, KEPT = Path("data/mini"), Path("runs/mini"), Path("docs/mini")
#: What the stages train on.
BASE = RUNS / "queries" / "minigpt4"
#: Folders of `RUNS` with a log, in the order in which they are trained, and the figures of it that are drawn.
LOGS: dict[str, tuple[str, ...]] = {
    "base/vision": ("subject_right", "manner_right", "leading_right", "side_right"),
    "base/mirrored": ("subject_right", "manner_right", "leading_right", "side_right"),
    "base/text": ("loss",),
    "base/captions": ("caption_loss", "text_loss"),
    "base/talk": ("caption_loss", "fact_loss"),
    "queries": ("loss", "moved"),
    "stage1": ("loss",),
    "stage2": ("loss", "unweighted_loss"),
}
PYTHON = [sys.executable, "-m"]
KEEP_MEMORY = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=8589934592"


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
            "paint for its tower and Q-Former once more",
            DATA / "more_shards.done",
            [paint, "shards", "--out", str(DATA / "more_shards"), "--count", "110000", "--seed", "3", *workers],
        ),
        (
            "paint for stage 2",
            DATA / "cc_sbu_align" / "facts.json",
            [paint, "cc_sbu_align", "--out", str(DATA / "cc_sbu_align"), "--count", "170000", "--seed", "2", *workers],
        ),
        ("tokenizer", DATA / "tokenizer" / "tokenizer.model", ["train.painter.tokenizer", str(DATA / "tokenizer")]),
        ("base", RUNS / "base" / "minigpt4" / "config.json", [*train, "train.base", "--config", config("base")]),
        (
            "its tower and Q-Former once more",
            BASE / "config.json",
            ["train.queries", "--base", str(RUNS / "base" / "minigpt4"), "--shards", str(DATA / "more_shards")]
            + ["--out", str(BASE.parent)],
        ),
        ("stage 1", RUNS / "stage1" / "final", [*train, "train.stage1", "--config", config("stage1")]),
        (
            "tokens of stage 2's pictures",
            RUNS / "tokens",
            ["train.tokens", "stage2", "--config", config("stage2"), cache],
        ),
        (
            "what the base sees of them",
            DATA / "cc_sbu_align" / "sight.md",
            ["train.sight", "--base", str(BASE), "--pictures", str(DATA / "cc_sbu_align")]
            + ["--tokens", str(RUNS / "tokens"), "--seed", "2"],
        ),
        ("stage 2", RUNS / "stage2" / "final", [*train, "train.stage2", "--config", config("stage2"), cache]),
        (
            "evaluation",
            RUNS / "figures.json",
            ["train.evaluate_mini", "--model", str(RUNS / "stage2" / "final"), "--json", str(RUNS / "figures.json")],
        ),
    ]


def keep_logs(runs: Path, kept: Path) -> None:
    """Copies each log of `LOGS` to `kept`, and draws them all into `kept/training.png`."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    kept.mkdir(parents=True, exist_ok=True)
    figure, axes = plt.subplots(2, 4, figsize=(13, 5.5), layout="constrained")
    for axis, (name, shown) in zip(axes.flat, LOGS.items(), strict=True):
        log = shutil.copy(runs / name / "log.jsonl", kept / f"{name.replace('/', '-')}.jsonl")
        rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        for figure_name in shown:
            drawn = [(row["step"], row[figure_name]) for row in rows if figure_name in row]
            axis.plot(*zip(*drawn, strict=True), label=figure_name.replace("_", " "), linewidth=1.2)
        axis.set(title=name, xlabel="step")
        axis.grid(alpha=0.3)
        axis.legend(frameon=False)
    figure.savefig(kept / "training.png", dpi=110)
    plt.close(figure)


def main() -> None:
    """Command line. A step that fails ends the run with its exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2, help="one a core of a small machine; 1 on a GPU")
    given = parser.parse_args()
    times_file = RUNS / "times.json"
    RUNS.mkdir(parents=True, exist_ok=True)
    times = json.loads(times_file.read_text(encoding="utf-8")) if times_file.is_file() else {}
    for name, leaves, command in steps(given.processes):
        if leaves.exists():
            print(f"{name}: {leaves} is there")
            continue
        print(f"{name}: python -m {' '.join(command)}", flush=True)
        # A step of several processes has one thread in each, a step of one process as many threads.
        # To take memory from Linux anew at each step, in pages of 4 kB, costs a third of the time: glibc shall ask for
        # pages of 2 MB, and keep what it has.
        threads = 1 if {"torch.distributed.run", "--workers"} & set(command) else given.processes
        environment = {"OMP_NUM_THREADS": str(threads), "GLIBC_TUNABLES": KEEP_MEMORY} | os.environ
        started = time.monotonic()
        ended = subprocess.run([*PYTHON, *command], env=environment)
        if ended.returncode:
            raise SystemExit(ended.returncode)
        if leaves.suffix == ".done":  # shards are written one by one: the last one alone does not tell that all are
            leaves.touch()
        times[name] = round(time.monotonic() - started)
        times_file.write_text(json.dumps(times, indent=1) + "\n", encoding="utf-8")
    keep_logs(RUNS, KEPT)
    minutes = sum(times.values()) / 60
    print("\n".join(f"{name}: {seconds / 60:.1f} min" for name, seconds in times.items()))
    print(
        f"{minutes:.0f} minutes in all; next: python -m train.calibrate --model {RUNS}/stage2/final, then "
        f"python -m train.embed_mini --base {BASE} --adapter {RUNS}/stage2/final --emotion-temperature T"
    )


if __name__ == "__main__":
    main()
