"""The training loop of every run: forward, backward, clip, step, in one screen."""

import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm

from train.args import TrainingArguments

#: (model, batch) -> (loss summed over what is learnt, figures to log)
LossFunction = Callable[[nn.Module, dict[str, torch.Tensor]], tuple[torch.Tensor, dict[str, float]]]


def learnt_in(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """How much a batch teaches: its learnt tokens, or its pictures where it has no text."""
    if "labels" in batch:
        return (batch["labels"][:, 1:] != -100).sum()
    return torch.tensor(len(batch["pixel_values"]))


def token_loss(model: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict]:
    """Cross-entropy summed over the learnt tokens, so that accumulation and processes weigh all tokens alike."""
    inputs = {name: batch[name] for name in ("pixel_values", "input_ids", "attention_mask") if name in batch}
    logits = model(**inputs).logits
    labels = batch["labels"][:, 1:].reshape(-1)
    loss = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels, ignore_index=-100, reduction="sum")
    return loss, {}


def learning_rate(args: TrainingArguments, step: int) -> float:
    """The rate of optimiser step `step` (from 0): LAVIS's linear warm-up, then cosine from `init_lr` to `min_lr`."""
    if step < args.warmup_steps:
        return args.warmup_lr + (args.init_lr - args.warmup_lr) * step / args.warmup_steps
    return args.min_lr + (args.init_lr - args.min_lr) * 0.5 * (1 + math.cos(math.pi * step / args.steps))


def adamw(model: nn.Module, args: TrainingArguments) -> torch.optim.Optimizer:
    """AdamW over what requires a gradient; norms and biases do not decay."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": args.weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=args.init_lr, betas=(0.9, args.beta2), fused=True)


def accelerator_for(args: TrainingArguments) -> Accelerator:
    """An accelerator for these arguments; on a machine without a GPU it computes on the CPU."""
    # A batch of text alone does not touch the vision tower.
    return Accelerator(
        mixed_precision=args.mixed_precision,
        cpu=not torch.cuda.is_available(),
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )


def train(
    accelerator: Accelerator,
    model: nn.Module,
    batches: Iterable[dict[str, torch.Tensor]],
    optimizers: list[torch.optim.Optimizer],
    args: TrainingArguments,
    save: Callable[[nn.Module, Path], None],
    compute_loss: LossFunction = token_loss,
) -> nn.Module:
    """Trains for `args.steps` steps; logs to `output/log.jsonl`, saves to `output/step-N` and `output/final`.

    Args:
        batches: endless batches of this process, on the CPU.
        save: writes the unwrapped model into an empty folder.
        compute_loss: see `LossFunction`.

    Returns: the unwrapped model.
    """
    unwrapped = model
    model, *optimizers = accelerator.prepare(model, *optimizers)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    ratios = [[group["lr"] / args.init_lr for group in optimizer.param_groups] for optimizer in optimizers]
    batches = iter(batches)
    main = accelerator.is_main_process
    if main:
        args.output.mkdir(parents=True, exist_ok=True)
    log = open(args.output / "log.jsonl", "a", encoding="utf-8") if main else None
    bar = tqdm(total=args.steps * args.batch_size, unit="sample", disable=not main, dynamic_ncols=True)
    window: list[dict[str, float]] = []
    started, tokens_seen = time.monotonic(), 0
    model.train()
    for step in range(args.steps):
        rate = learning_rate(args, step)
        for optimizer, of_optimizer in zip(optimizers, ratios, strict=True):
            for group, ratio in zip(optimizer.param_groups, of_optimizer, strict=True):
                group["lr"] = rate * ratio
        micro_batches = [next(batches) for _ in range(args.gradient_accumulation)]
        learnt = sum(learnt_in(batch) for batch in micro_batches).to(accelerator.device)
        learnt = accelerator.reduce(learnt, "sum").clamp(min=1)
        figures: dict[str, float] = {}
        loss_sum = torch.zeros((), device=accelerator.device)
        for i, batch in enumerate(micro_batches):
            batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
            is_last = i == len(micro_batches) - 1
            with accelerator.accumulate(model) if is_last else accelerator.no_sync(model), accelerator.autocast():
                loss, of_batch = compute_loss(model, batch)
                # Processes average their gradients; the sum over tokens of all processes is what is wanted.
                accelerator.backward(loss * accelerator.num_processes / learnt)
            loss_sum += loss.detach()
            figures |= of_batch
        accelerator.unscale_gradients()
        norm = nn.utils.clip_grad_norm_(trained, args.max_grad_norm)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

        tokens_seen += int(learnt)
        window.append(figures | {"loss": float(accelerator.reduce(loss_sum, "sum") / learnt)})
        bar.update(args.batch_size)
        if (step + 1) % args.log_every == 0 or step + 1 == args.steps:
            row: dict[str, Any] = {name: _mean(window, name) for name in window[-1]}
            row |= {"step": step + 1, "lr": rate, "grad_norm": float(norm)}
            row |= {"tokens_per_s": round(tokens_seen / (time.monotonic() - started))}
            window = []
            if main:
                bar.set_postfix(loss=f"{row['loss']:.3f}", lr=f"{rate:.1e}", tokens_s=row["tokens_per_s"])
                log.write(json.dumps(row) + "\n")
                log.flush()
        if (step + 1) % args.save_every == 0 and step + 1 < args.steps and main:
            save_whole(lambda folder: save(unwrapped, folder), args.output / f"step-{step + 1}")
    accelerator.wait_for_everyone()
    bar.close()
    if main:
        log.close()
        save_whole(lambda folder: save(unwrapped, folder), args.output / "final")
        plot_log(args.output / "log.jsonl", args.output / "loss.png")
    accelerator.wait_for_everyone()
    return unwrapped


def save_whole(save: Callable[[Path], None], folder: Path) -> None:
    """Writes a checkpoint under a temporary name and renames it, so that what bears the name is whole."""
    temporary = folder.with_name(folder.name + ".part")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    save(temporary)
    shutil.rmtree(folder, ignore_errors=True)
    os.replace(temporary, folder)


def plot_log(log: Path, picture: Path) -> None:
    """Draws the loss of a log over its steps."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    rows = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.plot([row["step"] for row in rows], [row["loss"] for row in rows])
    axes.set(xlabel="step", ylabel="loss (nats per token)", ylim=(0, None))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(picture, dpi=120)
    plt.close(figure)


def _mean(rows: list[dict[str, float]], name: str) -> float:
    values = [row[name] for row in rows if name in row]
    return sum(values) / len(values)
