"""Runs that are stopped, killed or shared: whole checkpoints, and the losses of an undisturbed run."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from artgpt4.minigpt4 import MiniGPT4Processor
from tests import shared_run, shared_steps
from train import checkpoints, stage1
from train.args import AdapterArguments
from train.checkpoints import STATE, is_finished, last_state, open_log, save_whole
from train.data import Records, ShardCaptions, loader
from train.loop import accelerator_for
from train.painter.write import write_shards
from train.stage1 import train_stage


@pytest.fixture(scope="module")
def base(converted_reference):
    folder = converted_reference / "minigpt4"
    return folder, MiniGPT4Processor.from_pretrained(folder)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(11):
        Image.new("RGB", (28, 28), (20 * number, 90, 200)).save(folder / f"{number}.png")
    return [(folder / f"{number}.png", [(None, "dark " * number + "sea")]) for number in range(11)]


def run(base, records, output, **others) -> None:
    """Stage 2 by Muon and AdamW, of a LoRA that drops out, so that the random generator's state matters too."""
    folder, processor = base
    values = {"steps": 8, "batch_size": 2, "save_every": 3, "log_every": 1, "method": "lora", "lora_rank": 4}
    values |= {
        "lora_dropout": 0.5,
        "init_lr": 1e-3,
        "min_lr": 1e-3,
        "muon_lr": 1e-3,
        "mixed_precision": "no",
        "dtype": "float32",
        "resume": "auto",
    }
    args = AdapterArguments(output, base=str(folder), **values | others)
    samples = Records(records, processor, 160, args.seed, 0, 1)
    train_stage(accelerator_for(args), args, samples, processor)


def rows(output) -> list[dict]:
    return [json.loads(row) for row in (output / "log.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def undisturbed(base, records, tmp_path_factory):
    output = tmp_path_factory.mktemp("undisturbed")
    run(base, records, output)
    return output


@pytest.fixture(scope="module")
def stopped_run(base, records, tmp_path_factory):
    """A run that got SIGTERM while it fetched the batch of step 5."""
    output = tmp_path_factory.mktemp("stopped")

    def loader_with_signal(*args):
        for number, batch in enumerate(loader(*args)):
            if number == 4:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as exit:
        patch.setattr(stage1, "loader", loader_with_signal)
        run(base, records, output)
    assert exit.value.code == 128 + signal.SIGTERM
    return output


@pytest.fixture
def stopped(stopped_run, tmp_path):
    return Path(shutil.copytree(stopped_run, tmp_path / "stopped"))


def test_resumed_run_has_the_losses_of_an_undisturbed_one(base, records, undisturbed, stopped):
    assert [row["step"] for row in rows(stopped)] == [1, 2, 3, 4, 5]
    with open(stopped / "log.jsonl", "a") as log:
        log.write('{"step": 6, "loss": 77}\n{"step": 7, "lo')  # of a process that was killed after its last checkpoint
    run(base, records, stopped)
    assert [row["step"] for row in rows(stopped)] == list(range(1, 9))
    for name in ("loss", "lr", "grad_norm"):
        expected = [row[name] for row in rows(undisturbed)]
        assert [row[name] for row in rows(stopped)] == pytest.approx(expected, rel=1e-5)
    final = load_file(stopped / "final" / "adapter_model.safetensors")
    expected = load_file(undisturbed / "final" / "adapter_model.safetensors")
    assert final.keys() == expected.keys()
    for name, value in final.items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-6)


def test_the_newest_checkpoint_alone_keeps_its_state_and_the_end_keeps_none(stopped, undisturbed):
    assert sorted(folder.name for folder in stopped.glob("step-*")) == ["step-3", "step-5"]
    assert [state.parent.name for state in stopped.glob(f"*/{STATE}")] == ["step-5"]
    assert last_state(stopped)["step"] == 5
    assert sorted(folder.name for folder in undisturbed.glob("step-*")) == ["step-3", "step-6"]
    assert not list(undisturbed.glob(f"*/{STATE}"))


def test_finished_run_is_not_trained_again(base, records, undisturbed, capsys):
    before = (undisturbed / "final" / "adapter_model.safetensors").stat().st_mtime_ns
    run(base, records, undisturbed)
    assert "is there already" in capsys.readouterr().out
    assert (undisturbed / "final" / "adapter_model.safetensors").stat().st_mtime_ns == before
    longer = AdapterArguments(undisturbed, steps=9, base=str(base[0]))
    assert not is_finished(longer)


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"seed": 7}, "had seed=42, this one has 7"),
        ({"batch_size": 4}, "had batch_size=2, this one has 4"),
        ({"method": "projection"}, "train other parameters"),
    ],
)
def test_a_state_of_another_run_is_refused_by_name(base, records, stopped, others, message):
    with pytest.raises(ValueError, match=message):
        run(base, records, stopped, **others)


def test_what_a_killed_process_left_is_no_checkpoint(stopped):
    for name in ("step-9.part", "step-3.old"):
        (stopped / name).mkdir()
        (stopped / name / STATE).write_bytes(b"half of a")
    assert last_state(stopped)["step"] == 5


def test_full_disk_leaves_the_old_checkpoint_and_no_half_one(base, records, tmp_path, monkeypatch):
    def full(*args):
        if args[0]["step"] == 6:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(*args)

    save = torch.save
    monkeypatch.setattr(checkpoints.torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        run(base, records, tmp_path)
    assert [folder.name for folder in tmp_path.iterdir() if folder.is_dir()] == ["step-3"]
    assert last_state(tmp_path)["step"] == 3


def test_process_killed_while_it_puts_a_checkpoint_in_place_leaves_a_whole_one(tmp_path, monkeypatch):
    save_whole(lambda folder: (folder / "a").write_text("old"), tmp_path / "final")

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        save_whole(lambda folder: (folder / "a").write_text("new"), tmp_path / "final")
    assert (tmp_path / "final" / "a").read_text() == "old"


def test_log_of_a_fresh_run_is_empty(tmp_path):
    (tmp_path / "log.jsonl").write_text('{"step": 1}\n{"step": 2}\n')
    open_log(tmp_path / "log.jsonl", 0).close()
    assert (tmp_path / "log.jsonl").read_text() == ""


def test_batch_that_cannot_be_shared_is_refused(base, records, tmp_path):
    with pytest.raises(
        ValueError, match="batch_size=2 cannot be shared evenly by 1 processes .*gradient_accumulation=3"
    ):
        run(base, records, tmp_path, gradient_accumulation=3)


# --- where the data stand ---


def batch_ids(samples, processor, workers: int, skip: int, number: int) -> list[list]:
    batches = iter(loader(samples, processor, 2, 5, workers, skip))
    return [next(batches)["input_ids"].tolist() for _ in range(number)]


@pytest.mark.parametrize(("workers", "skip"), [(0, 21), (2, 3), (2, 37)])
def test_records_go_on_where_they_were(base, records, workers, skip):
    samples = Records(records, base[1], 160, seed=5, rank=0, world_size=1)
    whole = batch_ids(samples, base[1], workers, 0, skip + 3)
    assert len({str(batch) for batch in whole}) > 3
    assert batch_ids(samples, base[1], workers, skip, 3) == whole[skip:]


def test_shards_go_on_where_they_were(base, tmp_path):
    write_shards(tmp_path, 12, seed=3)
    samples = ShardCaptions(str(tmp_path / "*.tar"), base[1], 32, seed=5, rank=0, world_size=1)
    assert batch_ids(samples, base[1], 0, 19, 3) == batch_ids(samples, base[1], 0, 0, 22)[19:]


# --- several processes ---


def two_processes(output: Path, *words: str, script: str = "tests.shared_steps") -> None:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", "29637"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "-m", script, str(output), *words], check=True, env=environment)


@pytest.mark.parametrize("way", ["ddp", "fsdp2"])
def test_two_processes_have_the_losses_of_one(way, tmp_path):
    shared_steps.main(tmp_path / "one")
    two_processes(tmp_path / "two", way)
    one, two = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert sorted(folder.name for folder in (tmp_path / "two").iterdir() if folder.is_dir()) == ["final", "step-2"]
    assert len(one) == 4 and one[-1]["loss"] < one[0]["loss"]
    for name in ("loss", "grad_norm"):
        assert [row[name] for row in two] == pytest.approx([row[name] for row in one], rel=1e-4)
    weights = [load_file(tmp_path / run / "final" / "adapter_model.safetensors") for run in ("one", "two")]
    assert weights[0].keys() == weights[1].keys()
    # Adam's step depends on a gradient's sign where the gradient is nearly nothing.
    torch.testing.assert_close(weights[1], weights[0], atol=1e-3, rtol=1e-2)


def test_shared_out_weights_are_resumed(tmp_path):
    two_processes(tmp_path, "fsdp2", "keep")
    whole, state = rows(tmp_path), last_state(tmp_path)
    assert state["step"] == 2 and all(type(value) is torch.Tensor for value in state["trained"].values())
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in whole[:2]))
    two_processes(tmp_path, "fsdp2")
    for name in ("step", "loss", "grad_norm"):
        assert [row[name] for row in rows(tmp_path)] == pytest.approx([row[name] for row in whole], rel=1e-6)


@pytest.fixture(scope="module")
def shared_runs(base, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shared")
    Image.new("RGB", (28, 28), "teal").save(folder / "sea.png")
    two_processes(base[0], str(folder), script="tests.shared_run")
    return folder


@pytest.mark.parametrize("name", ["undisturbed", "stopped"])
def test_two_processes_meet_every_sample_of_an_epoch_once(base, shared_runs, name):
    samples = shared_run.read(shared_runs, base[1], 0, 1)
    everything = sorted([i for i in next_of["labels"] if i != -100] for next_of in islice(samples, shared_run.RECORDS))
    met = [(shared_runs / f"{name}-{rank}.jsonl").read_text().splitlines() for rank in (0, 1)]
    assert len(met[0]) == len(met[1])
    assert sorted(json.loads(row) for of_process in met for row in of_process) == everything
    assert len({str(row) for row in everything}) == shared_run.RECORDS


def test_sigterm_to_one_of_two_processes_ends_both_and_they_go_on_as_if_undisturbed(shared_runs):
    stopped, undisturbed = (rows(shared_runs / name) for name in ("stopped", "undisturbed"))
    assert (shared_runs / "stopped" / "step-5").is_dir() and not (shared_runs / "undisturbed" / "step-5").is_dir()
    assert [row["step"] for row in stopped] == list(range(1, 17))
    for name in ("loss", "grad_norm"):
        assert [row[name] for row in stopped] == pytest.approx([row[name] for row in undisturbed], rel=1e-5)
