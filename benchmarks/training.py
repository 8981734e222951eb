"""How fast training goes: python -m benchmarks.training [--size mini|7b|13b] [--rounds N]

Our loop beside the plain one, in turns, in one process, on the same samples. Both are `train.loop.train` with the same
model, adapters, optimiser and precision; the plain one looks at every picture with vision tower and Q-Former in every
step, takes samples as they come, padded to the longest, and computes logits at every place.

mini: stage 2 on the embedded model and freshly painted pictures. 7b, 13b: Vicuna's sizes with random weights in
bfloat16, made on one CUDA device; 32 pictures of 65 tokens (32 of the picture, 33 of text) a step.
"""

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice, repeat
from pathlib import Path

import accelerate
import torch
import transformers
from accelerate.utils import set_seed
from torch import nn
from torch.nn import functional as F

import artgpt4
from artgpt4.minigpt4 import IMAGE_TOKEN_ID, MiniGPT4Config, MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from benchmarks.chat import print_table
from train.args import AdapterArguments
from train.data import POOL, Records, collate, loader, read_cc_sbu_align, read_llava_instruct
from train.loop import LossFunction, accelerator_for, optimizers_for, token_loss, train
from train.methods import load_model, with_method
from train.pace import Pace, matmul_peak
from train.painter.write import write_cc_sbu_align
from train.tokens import Tokens, chunks, make_tokens

Batch = dict[str, torch.Tensor]

MINI = Path(artgpt4.__file__).parent / "checkpoints" / "artgpt4-mini" / "minigpt4"
#: Vicuna's sizes; vision tower and Q-Former are BLIP-2's, which the config has of itself.
VICUNA = {
    "7b": {"hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32, "num_attention_heads": 32},
    "13b": {"hidden_size": 5120, "intermediate_size": 13824, "num_hidden_layers": 40, "num_attention_heads": 40},
}
BATCH_SIZE = 32
PICTURES = 128
#: Steps before the clock starts: the first counts operations and sets up kernels.
WARM_UP = 2
#: Steps on the clock: all batches of a pool, so that both loops have the very same samples.
STEPS = POOL


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.training", description="How fast training goes.")
    parser.add_argument("--size", choices=["mini", *VICUNA], default="mini")
    parser.add_argument("--rounds", type=int, default=3, help="turns that each loop gets")
    options = parser.parse_args(argv)
    if options.size != "mini" and not torch.cuda.is_available():
        raise SystemExit(
            f"--size {options.size} needs a CUDA device, and torch finds none here; --size mini runs on the CPU"
        )
    with tempfile.TemporaryDirectory() as folder:
        args = AdapterArguments(Path(folder) / "run", WARM_UP + STEPS + 1, BATCH_SIZE, dtype="float32", base=str(MINI))
        if options.size == "mini":
            loops = mini_loops(args, Path(folder) / "data")
        else:
            loops = full_size_loops(args, full_size_config(options.size), "cuda")
        compare(loops, args, options.rounds)


def compare(loops: dict[str, "Loop"], args: AdapterArguments, rounds: int) -> None:
    """Gives the loops `rounds` turns each and prints the medians, the machine and the versions."""
    turns: dict[str, list[Timed]] = {name: [] for name in loops}
    operations = {name: operations_of(loop, args) for name, loop in loops.items()}
    accelerator = accelerator_for(args)
    peak = 0.0
    for number in range(1, rounds + 1):
        for name in loops if number % 2 else reversed(loops):
            # Others on the machine can only make the peak look lower, and a share of it higher.
            peak = max(peak, matmul_peak(accelerator.device, args.mixed_precision))
            turns[name].append(time_loop(loops[name], args, number))
    rows = []
    for name, timed in turns.items():
        share = statistics.median(turn.places_per_s * operations[name] / peak for turn in timed)
        row = [f"{statistics.median(turn.samples_per_s for turn in timed):.1f}", f"{share:.0%}"]
        row += [f"{turn_range(timed)}", f"{statistics.mean(turn.places for turn in timed):.0f}"]
        if torch.cuda.is_available():
            row.append(f"{max(turn.memory for turn in timed) / 2**30:.1f} GiB")
        rows.append((f"{name} loop", *row))
    head = ("", "samples/s", "share of peak", "slowest-fastest", "places a sample")
    print("\n" + machine(peak, args.mixed_precision))
    print(f"batches of {args.batch_size}, {STEPS} steps a turn, medians of {rounds} turns\n")
    print_table(head + ("peak memory",) * torch.cuda.is_available(), rows)
    ratios = [
        ours.samples_per_s / plain.samples_per_s for ours, plain in zip(turns["ours"], turns["plain"], strict=True)
    ]
    print(f"\nours / plain: {statistics.median(ratios):.2f} x ({min(ratios):.2f}-{max(ratios):.2f})")


def machine(peak: float, precision: str) -> str:
    """The kind of machine and the versions, a line each."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"CPU, {torch.get_num_threads()} threads"
    versions = ", ".join(f"{package.__name__} {package.__version__}" for package in (torch, transformers, accelerate))
    return (
        f"{device}; measured matmul peak {peak / 1e12:.2f} TFLOP/s ({precision})\n"
        f"Python {platform.python_version()}, {versions}"
    )


@dataclass
class Loop:
    """One of the two: what makes its model, its batches of a round, and its loss."""

    model: Callable[[], nn.Module]
    batches: Callable[[int], Iterable[Batch]]
    compute_loss: LossFunction


@dataclass
class Timed:
    """A turn: samples and places (tokens with padding) per second, places of a sample, bytes on the CUDA device."""

    samples_per_s: float
    places_per_s: float
    places: float
    memory: int


def turn_range(turns: list[Timed]) -> str:
    """The slowest and the fastest turn, in samples per second."""
    speeds = [turn.samples_per_s for turn in turns]
    return f"{min(speeds):.1f}-{max(speeds):.1f}"


def time_loop(loop: Loop, args: AdapterArguments, number: int) -> Timed:
    """Trains for `STEPS` steps on the samples of round `number`; the time is that of data, loss, and optimiser."""
    asked: list[float] = []
    samples = places = 0

    def clocked() -> Iterator[Batch]:
        # The warm-up has a loader of its own, so that the clock starts before a pool is filled and stops after it.
        for batch in chain(islice(loop.batches(0), WARM_UP), islice(timed_batches(), STEPS)):
            yield batch
        asked.append(time.perf_counter())  # a step ends with its loss as a number: the device has done it
        yield batch

    def timed_batches() -> Iterator[Batch]:
        nonlocal samples, places
        asked.append(time.perf_counter())
        for batch in loop.batches(number):
            samples += len(batch["input_ids"])
            places += batch["input_ids"].numel()
            yield batch

    set_seed(number)
    accelerator = accelerator_for(args)
    model = loop.model()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    train(
        accelerator, model, clocked(), optimizers_for(model, args), args, lambda model, folder: None, loop.compute_loss
    )
    memory = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)  # the next turn wraps it again
    accelerator.free_memory()
    seconds = asked[1] - asked[0]
    return Timed(samples / seconds, places / seconds, places / samples, memory)


def operations_of(loop: Loop, args: AdapterArguments) -> float:
    """Operations for each place of a batch, as `train.pace` counts them.

    Each loop's own operations: what the plain one computes in vain counts as work there.
    """
    accelerator = accelerator_for(args)
    model = loop.model().to(accelerator.device).train()
    batch = {name: value.to(accelerator.device) for name, value in next(iter(loop.batches(0))).items()}
    pace = Pace(accelerator, args, 0)
    with pace.of_batch(batch):
        with accelerator.autocast():
            loss, _ = loop.compute_loss(model, batch)
        loss.backward()
    model.zero_grad(set_to_none=True)
    return pace.operations


def full_logits_loss(model: nn.Module, batch: Batch) -> tuple[torch.Tensor, dict]:
    """`train.loop.token_loss` as it is commonly computed: logits [B, T, vocabulary], also where nothing is learnt."""
    inputs = {name: batch[name] for name in ("pixel_values", "input_ids", "attention_mask")}
    logits = model(**inputs).logits[:, :-1]
    targets = batch["labels"][:, 1:]
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=-100, reduction="sum"), {}


def mini_loops(args: AdapterArguments, folder: Path, pictures: int = PICTURES) -> dict[str, Loop]:
    """Both loops on the base `args.base`, with captions and dialogues about pictures painted into `folder`."""
    write_cc_sbu_align(folder, pictures, seed=77)
    processor = MiniGPT4Processor.from_pretrained(args.base)
    records = read_cc_sbu_align(folder) + read_llava_instruct(folder / "dialogues.json", folder / "image")
    base = MiniGPT4ForConditionalGeneration.from_pretrained(args.base, dtype=getattr(torch, args.dtype))
    base.to(accelerator_for(args).device)

    def samples(number: int) -> Records:
        return Records(records, processor, 160, number, 0, 1)

    make_tokens(folder / "tokens", samples(0).pictures(), base, processor)
    tokens = Tokens(folder / "tokens", base, processor)

    def ours(number: int) -> Iterable[Batch]:
        return loader(samples(number), processor, args.batch_size, number, args.num_workers, tokens=tokens)

    def plain(number: int) -> Iterator[Batch]:
        return (collate(batch, processor) for batch in chunks(samples(number), args.batch_size))

    return {
        "plain": Loop(lambda: load_model(args), plain, full_logits_loss),
        "ours": Loop(lambda: load_model(args), ours, token_loss),
    }


def full_size_config(size: str) -> MiniGPT4Config:
    """MiniGPT-4 on Vicuna 7b or 13b, with BLIP-2's vision tower and Q-Former."""
    return MiniGPT4Config(text_config={"model_type": "llama", "vocab_size": 32000} | VICUNA[size])


def full_size_model(config: MiniGPT4Config, args: AdapterArguments, device: str) -> nn.Module:
    """Random weights made on `device` in bfloat16, with what is trained in float32."""
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            model = with_method(MiniGPT4ForConditionalGeneration(config), args)
    finally:
        torch.set_default_dtype(torch.float32)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


def full_size_batch(config: MiniGPT4Config, batch_size: int) -> Batch:
    """Stage 1's: begin token, picture, 32 tokens that are learnt; the picture as pixels and as the queries of it."""
    generator = torch.Generator().manual_seed(0)
    text = torch.randint(3, config.text_config.vocab_size, (batch_size, 32), generator=generator)
    picture = torch.full((batch_size, config.num_query_tokens), IMAGE_TOKEN_ID)
    input_ids = torch.cat([torch.ones(batch_size, 1, dtype=torch.long), picture, text], dim=1)
    side, width = config.vision_config.image_size, config.qformer_config.hidden_size
    return {
        "input_ids": input_ids,
        "attention_mask": torch.ones_like(input_ids),
        "labels": torch.cat([torch.full_like(input_ids[:, :-32], -100), text], dim=1),
        "pixel_values": torch.randn(batch_size, 3, side, side, generator=generator),
        "query_output": torch.randn(batch_size, config.num_query_tokens, width, generator=generator),
    }


def full_size_loops(args: AdapterArguments, config: MiniGPT4Config, device: str) -> dict[str, Loop]:
    """Both loops on one model, because there is not room for two; they differ by towers and logits alone."""
    model = full_size_model(config, args, device)
    batch = full_size_batch(config, args.batch_size)

    def without(name: str) -> Callable[[int], Iterator[Batch]]:
        kept = {key: value for key, value in batch.items() if key != name}
        return lambda number: repeat(kept)

    return {
        "plain": Loop(lambda: model, without("query_output"), full_logits_loss),
        "ours": Loop(lambda: model, without("pixel_values"), token_loss),
    }


if __name__ == "__main__":
    main()
