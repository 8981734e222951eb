"""Stage 1: the image adapters learn to look, from captioned pictures.

    python -m train.stage1 --config train/configs/mini_stage1.yaml [key=value ...]

A frozen MiniGPT-4 base, image adapters in its language model, WebDataset shards of pictures with captions and no prompt
(Yuan et al., 2023, section "The First Stage"). `output/final` is an adapter folder that `artgpt4.load` opens.
"""

import dataclasses
import os
from pathlib import Path

import torch
from accelerate.utils import set_seed
from peft import PeftModel, get_peft_model

from artgpt4.image_adapter import ImageAdapterConfig
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train.args import AdapterArguments, parse_or_exit
from train.data import ShardCaptions, loader
from train.loop import accelerator_for, adamw, train


@dataclasses.dataclass
class Stage1Arguments(AdapterArguments):
    """`shards`: a glob or pattern of WebDataset shards; captions are cut at `max_text_tokens`, as the original does."""

    shards: str = ""
    max_text_tokens: int = 32

    def problems(self) -> list[str]:
        """See `TrainingArguments.problems`."""
        found = super().problems()
        if not self.shards:
            found.append(
                "shards= is missing: a glob or pattern of WebDataset shards, such as data/laion/{00000..00301}.tar"
            )
        if self.max_text_tokens < 1:
            found.append(f"max_text_tokens={self.max_text_tokens} must be at least 1")
        return found


def load_with_adapter(args: AdapterArguments) -> PeftModel:
    """The frozen base in `args.dtype` with image adapters: fresh ones, or those of `args.adapter` to train on.

    What is trained is fp32, whatever the base's dtype.
    """
    base = MiniGPT4ForConditionalGeneration.from_pretrained(args.base, dtype=getattr(torch, args.dtype))
    if args.adapter:
        model = PeftModel.from_pretrained(base, args.adapter, is_trainable=True)
    else:
        model = get_peft_model(base, ImageAdapterConfig(reduction_factor=args.reduction_factor))
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if args.gradient_checkpointing:
        base.gradient_checkpointing_enable()
        base.enable_input_require_grads()
    return model


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Writes the adapter in PEFT's format. A base that is a folder here is named relative to the adapter's own."""
    config = model.peft_config["default"]
    base = config.base_model_name_or_path
    if Path(base).is_dir():
        config.base_model_name_or_path = os.path.relpath(base, folder)
    model.save_pretrained(folder)
    config.base_model_name_or_path = base


def main() -> None:
    """Reads the arguments and trains."""
    args = parse_or_exit(Stage1Arguments, __doc__)
    accelerator = accelerator_for(args)
    set_seed(args.seed)
    model = load_with_adapter(args)
    processor = MiniGPT4Processor.from_pretrained(args.base)
    rank, world_size = accelerator.process_index, accelerator.num_processes
    samples = ShardCaptions(args.shards, processor, args.max_text_tokens, args.seed, rank, world_size)
    per_process = args.batch_size // world_size // args.gradient_accumulation
    batches = loader(samples, processor, per_process, args.seed, args.num_workers)
    if accelerator.is_main_process:
        model.print_trainable_parameters()
    train(accelerator, model, batches, [adamw(model, args)], args, save_adapter)


if __name__ == "__main__":
    main()
