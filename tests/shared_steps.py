"""A few steps on the same global batches, by as many processes as start it: `python -m tests.shared_steps OUTPUT`."""

import sys
from pathlib import Path

import torch
from peft import get_peft_model

from artgpt4.image_adapter import ImageAdapterConfig
from artgpt4.minigpt4 import IMAGE_TOKEN_ID
from tests.tiny import tiny_model
from train.args import TrainingArguments
from train.loop import accelerator_for, adamw, train


def global_batch(seed: int) -> dict[str, torch.Tensor]:
    """Four pictures with 1, 3, 5 and 7 learnt tokens: processes that average their means would err."""
    generator = torch.Generator().manual_seed(seed)
    input_ids = torch.randint(3, 100, (4, 20), generator=generator)
    input_ids[:, 4:12] = IMAGE_TOKEN_ID
    labels = torch.full_like(input_ids, -100)
    for row in range(4):
        labels[row, 12 : 13 + 2 * row] = input_ids[row, 12 : 13 + 2 * row]
    pixel_values = torch.randn(4, 3, 56, 56, generator=generator)
    return {"input_ids": input_ids, "attention_mask": torch.ones_like(input_ids), "labels": labels} | {
        "pixel_values": pixel_values
    }


def main(output: Path) -> None:
    """Trains for four steps, each process on its part of the batch."""
    args = TrainingArguments(
        output, steps=4, batch_size=4, init_lr=1e-2, mixed_precision="no", log_every=1, save_every=2
    )
    accelerator = accelerator_for(args)
    torch.manual_seed(0)
    model = get_peft_model(tiny_model(), ImageAdapterConfig())
    rank, world_size = accelerator.process_index, accelerator.num_processes
    batches = [
        {name: value[rank::world_size] for name, value in global_batch(step % 2).items()} for step in range(args.steps)
    ]
    train(accelerator, model, batches, [adamw(model, args)], args, lambda model, folder: model.save_pretrained(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
