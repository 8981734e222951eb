"""How fast a run goes, beside what its hardware could do."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from torch.utils.flop_counter import FlopCounterMode

from train.args import TrainingArguments


class Pace:
    """Samples and tokens per second, share of the hardware's peak and time left, from step `start` on.

    The operations of the first batch are counted, forward and backward, and taken in proportion to the places (tokens
    with padding; pixels where there is no text) of the others. What activation checkpointing computes twice counts
    twice; kernels that torch's counter does not know (bitsandbytes') count nothing.

    Args:
        operations: for each place, as counted by the run that this one goes on with: under the counter, kernels may
            round otherwise, and a resumed run shall not.
    """

    def __init__(self, accelerator: Accelerator, args: TrainingArguments, start: int, operations: float = 0.0) -> None:
        self.args, self.start = args, start
        self.peak = matmul_peak(accelerator.device, accelerator.mixed_precision)
        self.operations = operations
        self.places = self.tokens = 0
        self.started = time.monotonic()

    @contextmanager
    def of_batch(self, batch: dict[str, torch.Tensor]) -> Iterator[None]:
        """Around forward and backward of a batch."""
        places = batch["input_ids" if "input_ids" in batch else "pixel_values"].numel()
        if self.operations:
            yield
        else:
            # Dynamo gives a frame up for good that it first meets under a counter: compiled layers wait meanwhile.
            with FlopCounterMode(display=False) as counter, torch.compiler.set_stance("force_eager"):
                yield
            self.operations = counter.get_total_flops() / places
        self.places += places

    def figures(self, step: int) -> dict[str, float]:
        """What to log when `step` steps of the run are done."""
        seconds, steps = time.monotonic() - self.started, step - self.start
        return {
            "samples_per_s": round(steps * self.args.batch_size / seconds, 2),
            "tokens_per_s": round(self.tokens / seconds),
            "peak_share": round(self.operations * self.places / seconds / self.peak, 4),
            "seconds_left": round(seconds / steps * (self.args.steps - step)),
        }


def matmul_peak(device: torch.device, mixed_precision: str) -> float:
    """FLOP/s of a large matrix product in the run's precision: what this hardware gives at best, as measured."""
    dtype = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[mixed_precision]
    size = 8192 if device.type == "cuda" else 512
    matrix = torch.ones(size, size, device=device, dtype=dtype)
    best = math.inf
    for _ in range(5):
        started = time.perf_counter()
        (matrix @ matrix)[0, 0].item()  # waits for the device
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best
