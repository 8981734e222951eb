"""The training loop of every run: forward, backward, clip, step."""

import json
import math
import re
import signal
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, ProjectConfiguration
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from tqdm import tqdm

from train.args import TrainingArguments
from train.checkpoints import (
    drop_states,
    open_log,
    restore,
    save_whole,
    termination,
    training_state,
    whole_weights,
    write_checkpoint,
)
from train.pace import Pace

#: (model, batch) -> (loss summed over what is learnt, figures to log)
LossFunction = Callable[[nn.Module, dict[str, torch.Tensor]], tuple[torch.Tensor, dict[str, float]]]

#: In the name of a parameter of one of a tower's or language model's layers.
_IN_A_LAYER = re.compile(r"\.(encoder|layers)\.")

_INPUTS = ("pixel_values", "query_output", "input_ids", "attention_mask")


def learnt_in(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """How much a batch teaches: its learnt tokens, or its pictures where it has no text."""
    if "labels" in batch:
        return (batch["labels"][:, 1:] != -100).sum()
    return torch.tensor(len(batch["pixel_values"]))


def left_out_of(batch: dict[str, torch.Tensor]) -> int:
    """How many samples could not be read when this batch was made."""
    return int(batch.get("left_out", 0))


def token_losses(model: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    """Cross-entropy of each learnt token, and these tokens, both [learnt tokens].

    Logits are computed where there is something to learn and nowhere else: [learnt tokens, vocabulary].
    """
    inputs = {name: batch[name] for name in _INPUTS if name in batch}
    targets = F.pad(batch["labels"][:, 1:], (0, 1), value=-100)
    is_learnt = targets != -100
    # A cache of keys and values is of no use here; it would hold them, and part the compiled layers by their numbers.
    logits = model(**inputs, logits_to_keep=is_learnt, use_cache=False).logits
    tokens = targets[is_learnt]
    return F.cross_entropy(logits.float(), tokens, reduction="none"), tokens


def token_loss(model: nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict]:
    """Cross-entropy summed over the learnt tokens, so that accumulation and processes weigh all tokens alike."""
    return token_losses(model, batch)[0].sum(), {}


def learning_rate(args: TrainingArguments, step: int) -> float:
    """The rate of optimiser step `step` (from 0): LAVIS's linear warm-up, then cosine from `init_lr` to `min_lr`."""
    if step < args.warmup_steps:
        return args.warmup_lr + (args.init_lr - args.warmup_lr) * step / args.warmup_steps
    return args.min_lr + (args.init_lr - args.min_lr) * 0.5 * (1 + math.cos(math.pi * step / args.steps))


class _InFloat32(TorchFunctionMode):
    """What asks for bfloat16 stays in float32."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return args[0].clone() if func is torch.Tensor.bfloat16 else func(*args, **(kwargs or {}))


class Muon(torch.optim.Muon):
    """PyTorch's, but in float32 on a CPU.

    It makes the updates orthogonal in bfloat16: a CPU without that takes 25 times as long, half a minute for each step
    of the embedded model's base.
    """

    def step(self, closure: Callable | None = None) -> float | None:
        """One step; see `torch.optim.Muon`."""
        on_cpu = self.param_groups[0]["params"][0].device.type == "cpu"
        with _InFloat32() if on_cpu else nullcontext():
            return super().step(closure)


def optimizers_for(model: nn.Module, args: TrainingArguments) -> list[torch.optim.Optimizer]:
    """AdamW over what requires a gradient; norms and biases do not decay. With `args.muon_lr`, Muon takes the matrices
    of layers (Jordan et al., 2024, https://kellerjordan.github.io/posts/muon), its rate on the scale of AdamW's."""
    trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    matrices = [p for name, p in trained.items() if args.muon_lr and p.ndim == 2 and _IN_A_LAYER.search(name)]
    by_muon = set(map(id, matrices))
    others = [parameter for parameter in trained.values() if id(parameter) not in by_muon]
    groups = [
        {"params": [p for p in others if p.ndim >= 2], "weight_decay": args.weight_decay},
        {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=args.init_lr, betas=(0.9, args.beta2), fused=True)
    if not matrices:
        return [adamw]
    muon = Muon(matrices, lr=args.muon_lr, weight_decay=args.weight_decay, adjust_lr_fn="match_rms_adamw")
    return [adamw, muon]


def accelerator_for(args: TrainingArguments) -> Accelerator:
    """An accelerator for these arguments; on a machine without a GPU it computes on the CPU."""
    if not torch.cuda.is_available():
        # On a CPU the fused attention's backward is slow: without it a step of the embedded model takes a third less.
        torch.backends.cuda.enable_flash_sdp(False)
    # A batch of text alone does not touch the vision tower.
    return Accelerator(
        mixed_precision=args.mixed_precision,
        cpu=not torch.cuda.is_available(),
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
        log_with=None if args.tracker == "none" else args.tracker,
        project_config=ProjectConfiguration(str(args.output), logging_dir=str(args.output / "tensorboard")),
    )


def training_mode(model: nn.Module) -> None:
    """Training mode, but for frozen towers: dropout in a part that cannot learn only spoils what it says."""
    model.train()
    for name, module in model.named_modules():
        is_tower = name.rpartition(".")[2] in ("vision_model", "qformer", "vision_tower")
        if is_tower and not any(parameter.requires_grad for parameter in module.parameters()):
            module.eval()


def train(
    accelerator: Accelerator,
    model: nn.Module,
    batches: Iterable[dict[str, torch.Tensor]],
    optimizers: list[torch.optim.Optimizer],
    args: TrainingArguments,
    save: Callable[[nn.Module, Path], None],
    compute_loss: LossFunction = token_loss,
    resume_from: dict[str, Any] | None = None,
) -> nn.Module:
    """Trains to `args.steps`; logs to `output/log.jsonl`, saves to `output/step-N` and `output/final`.

    SIGTERM ends the run after the step it comes in, with a checkpoint and exit status 143.

    Args:
        batches: endless batches of this process, on the CPU; of a resumed run, from where it goes on.
        save: writes the unwrapped model into an empty folder.
        compute_loss: see `LossFunction`.
        resume_from: what `train.checkpoints.last_state` found, if this run goes on with an earlier one.

    Returns: the unwrapped model.

    Raises:
        RuntimeError: if a step has nothing to learn, as when no picture can be read.
        ValueError: if `resume_from` is of a run whose data came in another order.
    """
    unwrapped = model
    model, *optimizers = accelerator.prepare(model, *optimizers)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    ratios = [[group["lr"] / args.init_lr for group in optimizer.param_groups] for optimizer in optimizers]
    batches = iter(batches)
    main, start, left_out, operations = accelerator.is_main_process, 0, 0, 0.0
    if resume_from:
        restore(accelerator, unwrapped, optimizers, args, resume_from)
        start, left_out, operations = (resume_from[name] for name in ("step", "left_out", "operations"))
    elif main:
        drop_states(args.output)  # of an earlier run, which this one's output takes the place of
    training_mode(model)
    pace = Pace(accelerator, args, start, operations)
    with termination() as asked_to_end, Report(accelerator, args, start) as report:
        for step in range(start, args.steps):
            rate = learning_rate(args, step)
            for optimizer, of_optimizer in zip(optimizers, ratios, strict=True):
                for group, ratio in zip(optimizer.param_groups, of_optimizer, strict=True):
                    group["lr"] = rate * ratio
            micro_batches = [next(batches) for _ in range(args.gradient_accumulation)]
            counts = [sum(int(of(batch)) for batch in micro_batches) for of in (learnt_in, left_out_of)]
            counts = torch.tensor([*counts, asked_to_end.is_set()], device=accelerator.device)
            learnt, broken, ending = accelerator.reduce(counts, "sum").tolist()
            if not learnt:
                raise RuntimeError(f"Step {step + 1} has nothing to learn; see the warnings about its samples above")
            loss, figures = backward(accelerator, model, micro_batches, learnt, compute_loss, pace)
            accelerator.unscale_gradients()
            norm = nn.utils.clip_grad_norm_(trained, args.max_grad_norm)
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)

            pace.tokens += learnt
            left_out += broken
            report.step(figures | {"loss": loss})
            if (step + 1) % args.log_every == 0 or step + 1 == args.steps or ending:
                of_step = {"step": step + 1, "lr": rate, "grad_norm": float(norm), "left_out": left_out}
                report.row(of_step | pace.figures(step + 1))
            if ((step + 1) % args.save_every == 0 or ending) and step + 1 < args.steps:
                counts = {"step": step + 1, "left_out": left_out, "operations": pace.operations}
                state = training_state(accelerator, unwrapped, optimizers, args, **counts)
                with whole_weights(unwrapped, main):
                    if main:
                        write_checkpoint(lambda folder: save(unwrapped, folder), state, args.output)
                accelerator.wait_for_everyone()  # a launcher ends all processes when one of them ends
                if ending:
                    accelerator.print(f"Ended by SIGTERM after step {step + 1}; resume=auto goes on from there")
                    raise SystemExit(128 + signal.SIGTERM)
    accelerator.wait_for_everyone()
    with whole_weights(unwrapped, main):
        if main:
            save_whole(lambda folder: save(unwrapped, folder), args.output / "final")
    if main:
        drop_states(args.output)
        plot_log(args.output / "log.jsonl", args.output / "loss.png")
        if left_out:
            print(f"{left_out} samples could not be read and were left out; the warnings above name them")
    accelerator.wait_for_everyone()
    return unwrapped


def backward(
    accelerator: Accelerator,
    model: nn.Module,
    micro_batches: list[dict[str, torch.Tensor]],
    learnt: int,
    compute_loss: LossFunction,
    pace: Pace,
) -> tuple[float, dict[str, float]]:
    """The gradients of a step, in the parameters.

    Args:
        learnt: what all processes' batches of the step teach, by which the loss is divided.

    Returns: the step's loss, and what else `compute_loss` gave.
    """
    figures: dict[str, float] = {}
    loss_sum = torch.zeros((), device=accelerator.device)
    for i, batch in enumerate(micro_batches):
        batch = {name: tensor.to(accelerator.device) for name, tensor in batch.items()}
        is_last = i == len(micro_batches) - 1
        with accelerator.accumulate(model) if is_last else accelerator.no_sync(model), pace.of_batch(batch):
            with accelerator.autocast():
                loss, of_batch = compute_loss(model, batch)
            # Processes average their gradients; the sum over tokens of all processes is what is wanted.
            accelerator.backward(loss * accelerator.num_processes / learnt)
        loss_sum += loss.detach()
        figures |= of_batch
    return float(accelerator.reduce(loss_sum, "sum") / learnt), figures


class Report:
    """What a run says while it goes: the bar, `output/log.jsonl` and `args.tracker`; the main process alone does.

    Args:
        start: the steps that an earlier run of this output has done.
    """

    def __init__(self, accelerator: Accelerator, args: TrainingArguments, start: int) -> None:
        self.accelerator, self.args = accelerator, args
        self.window: list[dict[str, float]] = []
        main, size = accelerator.is_main_process, args.batch_size
        self.log = open_log(args.output / "log.jsonl", start) if main else None
        done, total = start * size, args.steps * size
        self.bar = tqdm(total=total, initial=done, unit="sample", disable=not main, dynamic_ncols=True)
        if args.tracker != "none":
            # Steps that the run before did after its last checkpoint come once more, and count then.
            again = {"tensorboard": {"purge_step": start + 1}}
            accelerator.init_trackers(args.output.name, init_kwargs=again)

    def __enter__(self) -> "Report":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()
        if self.log:
            self.log.close()
        for tracker in self.accelerator.trackers:  # end_training() would end the processes' group as well
            tracker.finish()

    def step(self, figures: dict[str, float]) -> None:
        """Takes the figures of a step; the next row holds their means."""
        self.window.append(figures)
        self.bar.update(self.args.batch_size)

    def row(self, of_step: dict[str, Any]) -> None:
        """Writes a row of the log: the means since the last one, and what `of_step` says."""
        row = {name: _mean(self.window, name) for name in self.window[-1]} | of_step
        self.window = []
        if self.args.tracker != "none":
            self.accelerator.log({name: value for name, value in row.items() if name != "step"}, step=row["step"])
        if self.log:
            shown = {"tokens_s": row["tokens_per_s"], "peak": f"{row['peak_share']:.0%}"}
            self.bar.set_postfix(loss=f"{row['loss']:.3f}", lr=f"{row['lr']:.1e}", **shown)
            self.log.write(json.dumps(row) + "\n")
            self.log.flush()


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
