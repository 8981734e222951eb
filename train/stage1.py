"""Stage 1: the image adapters learn to look, from captioned pictures.

    python -m train.stage1 --config train/configs/mini_stage1.yaml [key=value ...]

A frozen MiniGPT-4 base, image adapters in its language model, WebDataset shards of pictures with captions and no prompt
(Yuan et al., 2023, section "The First Stage"). `output/final` is a folder that `artgpt4.load` opens.
"""

import dataclasses
import math
from pathlib import Path

import yaml
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn

from artgpt4.dialogue import DialogueProcessor
from artgpt4.hub import RECIPE, HubError, push
from artgpt4.loading import family
from train.args import AdapterArguments, parse_or_exit
from train.checkpoints import is_finished, last_state
from train.data import Records, ShardCaptions, loader
from train.loop import LossFunction, accelerator_for, optimizers_for, token_loss, train
from train.methods import describe, load_model, must_be_minigpt4, save_model
from train.tokens import Tokens


@dataclasses.dataclass
class Stage1Arguments(AdapterArguments):
    """`shards`: a glob or pattern of WebDataset shards, or several, each with its share of the samples:
    `shards: {"data/laion/*.tar": 115, "data/cc_sbu/*.tar": 14}`. Captions are cut at `max_text_tokens`, as the original
    does."""

    shards: dict[str, float] = dataclasses.field(default_factory=dict)
    max_text_tokens: int = 32

    def problems(self) -> list[str]:
        """See `TrainingArguments.problems`."""
        found = super().problems()
        if not self.shards:
            found.append(
                "shards= is missing: a glob or pattern of WebDataset shards, such as data/laion/{00000..00301}.tar"
            )
        for pattern, weight in self.shards.items():
            if not 0 < weight < math.inf:
                found.append(f"shards: the weight {weight:g} of {pattern} must be a positive number")
        if self.max_text_tokens < 1:
            found.append(f"max_text_tokens={self.max_text_tokens} must be at least 1")
        return found


def train_stage(
    accelerator: Accelerator,
    args: AdapterArguments,
    samples: ShardCaptions | Records,
    processor: DialogueProcessor,
    compute_loss: LossFunction = token_loss,
) -> None:
    """Trains `args.method` on the samples, from the newest checkpoint on if `args.resume` says so; both stages do.

    Raises:
        ValueError: if the batch cannot be shared evenly.
    """
    if args.resume == "auto" and is_finished(args):
        accelerator.print(f"{args.output / 'final'} is there already; resume=no would train it anew")
        push_result(accelerator, args)
        return
    per_process, rest = divmod(args.batch_size, accelerator.num_processes * args.gradient_accumulation)
    if rest or not per_process:
        raise ValueError(
            f"batch_size={args.batch_size} cannot be shared evenly by {accelerator.num_processes} processes with "
            f"gradient_accumulation={args.gradient_accumulation}; give a multiple of the two's product"
        )
    set_seed(args.seed)
    state = last_state(args.output) if args.resume == "auto" else None
    model = load_model(args)
    accelerator.print(describe(model))
    batches_done = state["step"] * args.gradient_accumulation if state else 0
    tokens = Tokens(args.token_cache, model, processor, args.token_crops) if args.token_cache else None
    batches = loader(samples, processor, per_process, args.seed, args.num_workers, batches_done, tokens)
    optimizers = optimizers_for(model, args)

    def save(model: nn.Module, folder: Path) -> None:
        save_model(model, folder, args.base)
        recipe = {name: str(v) if isinstance(v, Path) else v for name, v in dataclasses.asdict(args).items()}
        (folder / RECIPE).write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")

    train(accelerator, model, batches, optimizers, args, save, compute_loss, resume_from=state)
    push_result(accelerator, args)


def push_result(accelerator: Accelerator, args: AdapterArguments) -> None:
    """Pushes `output/final` if the run asks for it; if that fails, says how to repeat it and ends with status 1."""
    if not args.push_to_hub or not accelerator.is_main_process:
        return
    final, private = args.output / "final", " --private" if args.hub_private else ""
    try:
        print(push(final, args.push_to_hub, args.hub_private))
    except HubError as error:
        again = f"python -m artgpt4.hub push {final} {args.push_to_hub}{private}"
        raise SystemExit(f"{error}\nThe trained model is whole in {final}; to push it again: {again}") from error


def read_samples(args: Stage1Arguments, processor: DialogueProcessor, rank: int, world_size: int) -> ShardCaptions:
    """What stage 1 trains on."""
    return ShardCaptions(args.shards, processor, args.max_text_tokens, args.seed, rank, world_size)


def main() -> None:
    """Reads the arguments and trains."""
    args = parse_or_exit(Stage1Arguments, __doc__)
    must_be_minigpt4(args.base, "Stage 1")
    accelerator = accelerator_for(args)
    processor = family(args.base)[2].from_pretrained(args.base)
    samples = read_samples(args, processor, accelerator.process_index, accelerator.num_processes)
    train_stage(accelerator, args, samples, processor)


if __name__ == "__main__":
    main()
