"""Checkpoints that are whole or not there, and from which a run goes on as if it had never stopped.

`output/step-N` holds what `artgpt4.load` opens, and beside it `training_state.pt`: trained weights in full precision,
optimisers, step, random generators. Where the data stand follows from the step. Only the newest keeps its state.
"""

import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from peft import PeftModel
from torch import nn
from torch.distributed.tensor import DTensor, distribute_tensor
from torch.utils._pytree import tree_map

from train.args import TrainingArguments

STATE = "training_state.pt"
# Not what is being written (step-8.part) or removed (step-8.old).
_STEP = re.compile(r"step-(\d+)")


def save_whole(save: Callable[[Path], None], folder: Path) -> None:
    """Writes a checkpoint under a temporary name and renames it, so that what bears the name is whole.

    If `save` fails, as on a full disk, what it wrote is removed and what bore the name before stays.
    """
    temporary, old = folder.with_name(folder.name + ".part"), folder.with_name(folder.name + ".old")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        save(temporary)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    # Removing takes time, renaming does not: a process that is killed here leaves no half of the old one.
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(temporary, folder)
    shutil.rmtree(old, ignore_errors=True)


def write_checkpoint(save: Callable[[Path], None], state: dict[str, Any], output: Path) -> None:
    """Writes `output/step-N` with its training state, then removes the states of the others, which are large."""

    def save_with_state(folder: Path) -> None:
        save(folder)
        torch.save(state, folder / STATE)

    folder = output / f"step-{state['step']}"
    save_whole(save_with_state, folder)
    drop_states(output, keep=folder)


def drop_states(output: Path, keep: Path | None = None) -> None:
    """Removes the training states under `output`, but for that of the checkpoint `keep`."""
    for folder in _with_state(output):
        if folder != keep:
            (folder / STATE).unlink()


def _with_state(output: Path) -> list[Path]:
    return [state.parent for state in output.glob(f"step-*/{STATE}")]


def last_state(output: Path) -> dict[str, Any] | None:
    """The newest training state under `output`, on the CPU; None if there is none."""
    folders = {int(name[1]): folder for folder in _with_state(output) if (name := _STEP.fullmatch(folder.name))}
    if not folders:
        return None
    return torch.load(folders[max(folders)] / STATE, map_location="cpu", weights_only=True)


def is_finished(args: TrainingArguments) -> bool:
    """Whether a run with these arguments has come to its end in `output`; a fresh start there undoes it."""
    rows = _whole_rows(args.output / "log.jsonl")
    is_at_the_end = bool(rows) and json.loads(rows[-1])["step"] >= args.steps
    return is_at_the_end and (args.output / "final").is_dir() and not _with_state(args.output)


def training_state(
    accelerator: Accelerator,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    args: TrainingArguments,
    **counts: float,
) -> dict[str, Any]:
    """What a run needs to go on, but for the frozen weights; `counts`, with `step`, as they are.

    Every process must call it.
    """
    random = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        random["cuda"] = torch.cuda.get_rng_state()
    return {
        **counts,
        "data": _data_order(accelerator, args),
        "trained": {name: _whole(value.detach()) for name, value in model.named_parameters() if value.requires_grad},
        "optimizers": [tree_map(_whole, optimizer.state_dict()) for optimizer in optimizers],
        "scaler": accelerator.scaler.state_dict() if accelerator.scaler else None,
        "random": gather_object([random]),
    }


def restore(
    accelerator: Accelerator,
    model: nn.Module,
    optimizers: list[torch.optim.Optimizer],
    args: TrainingArguments,
    state: dict[str, Any],
) -> None:
    """Puts a training state into model, optimisers and random generators.

    Raises:
        ValueError: if this run would meet its samples in another order than the one that wrote the state, or if it
            trains other parameters.
    """
    for name, now in _data_order(accelerator, args).items():
        then = state["data"][name]
        if then != now:
            raise ValueError(
                f"resume=auto: the checkpoint's run had {name}={then}, this one has {now}; give {name}={then} again, "
                "or start anew with resume=no"
            )
    trained = {name: value for name, value in model.named_parameters() if value.requires_grad}
    if trained.keys() != state["trained"].keys():
        name = min(trained.keys() ^ state["trained"].keys())
        raise ValueError(
            f"resume=auto: this run and the checkpoint's train other parameters, {name} for one; give the same method "
            "and layers again, or start anew with resume=no"
        )
    with torch.no_grad():
        for name, value in trained.items():
            value.copy_(_shared_like(state["trained"][name], value))
    for optimizer, of_optimizer in zip(optimizers, state["optimizers"], strict=True):
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        for number, moments in of_optimizer["state"].items():
            for name, moment in moments.items():
                if moment.shape == parameters[number].shape:
                    moments[name] = _shared_like(moment, parameters[number])
        optimizer.load_state_dict(of_optimizer)
    if accelerator.scaler:
        accelerator.scaler.load_state_dict(state["scaler"])
    random = state["random"][accelerator.process_index]
    torch.set_rng_state(random["cpu"])
    if "cuda" in random and torch.cuda.is_available():
        torch.cuda.set_rng_state(random["cuda"])


def _whole(value: Any) -> Any:
    """A tensor that FSDP2 has shared out over the processes, put together again on each; anything else as it is."""
    return value.full_tensor() if isinstance(value, DTensor) else value


def _shared_like(value: torch.Tensor, parameter: torch.Tensor) -> torch.Tensor:
    """A whole tensor, shared out as the parameter is."""
    if not isinstance(parameter, DTensor):
        return value
    return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)


@contextmanager
def whole_weights(model: nn.Module, is_main: bool) -> Iterator[None]:
    """Where FSDP2 has shared out the weights: on the main process, those that a checkpoint holds are whole meanwhile.

    Every process must enter. Of a model with adapters only what is trained is put together, a tensor at a time, in CPU
    memory: cards that the whole model does not fit on can save it.
    """
    shared = []
    for module in model.modules():
        for name, value in module._parameters.items():
            if isinstance(value, DTensor) and (value.requires_grad or not isinstance(model, PeftModel)):
                whole = value.detach().full_tensor()
                if is_main:
                    shared.append((module, name, value))
                    module._parameters[name] = nn.Parameter(whole.cpu(), requires_grad=value.requires_grad)
    try:
        yield
    finally:
        for module, name, value in shared:
            module._parameters[name] = value


def _data_order(accelerator: Accelerator, args: TrainingArguments) -> dict[str, int]:
    """What the order of a run's samples depends on."""
    names = ("batch_size", "gradient_accumulation", "num_workers", "seed")
    return {name: getattr(args, name) for name in names} | {"processes": accelerator.num_processes}


def open_log(path: Path, step: int) -> TextIO:
    """The log of a run that goes on after `step` steps, without rows of later ones, to write on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [row for row in _whole_rows(path) if json.loads(row)["step"] <= step]
    path.write_text("".join(kept), encoding="utf-8")
    return open(path, "a", encoding="utf-8")


def _whole_rows(log: Path) -> list[str]:
    """The rows of a log; the last is broken off if the process was killed while it wrote it."""
    rows = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.is_file() else []
    return [row for row in rows if row.endswith("\n")]


@contextmanager
def termination() -> Iterator[threading.Event]:
    """An event that is set when SIGTERM comes, which does not end the process meanwhile."""
    came = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield came  # Python lets the main thread alone handle signals
        return
    before = signal.signal(signal.SIGTERM, lambda *_: came.set())
    try:
        yield came
    finally:
        signal.signal(signal.SIGTERM, before)
