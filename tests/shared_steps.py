"""A few steps on the same global batches, by as many processes as start it.

python -m tests.shared_steps OUTPUT [ddp|fsdp2 [keep]]
"""

import sys
from pathlib import Path

import torch
import yaml
from accelerate import Accelerator
from accelerate.utils import DistributedType, FullyShardedDataParallelPlugin
from peft import get_peft_model

from artgpt4.image_adapter import ImageAdapterConfig
from artgpt4.minigpt4 import IMAGE_TOKEN_ID
from tests.tiny import tiny_model
from train import loop
from train.args import TrainingArguments
from train.checkpoints import last_state
from train.loop import accelerator_for, optimizers_for, train

FSDP2 = Path(__file__).parents[1] / "train" / "configs" / "fsdp2.yaml"


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


def share_weights(accelerator: Accelerator) -> None:
    """What `accelerate launch` with the FSDP2 config does on GPUs; on the CPU accelerate leaves the config aside."""
    config = yaml.safe_load(FSDP2.read_text())["fsdp_config"]
    accelerator.state.fsdp_plugin = FullyShardedDataParallelPlugin(
        fsdp_version=config["fsdp_version"],
        auto_wrap_policy=config["fsdp_auto_wrap_policy"].lower(),
        transformer_cls_names_to_wrap=config["fsdp_transformer_layer_cls_to_wrap"].split(","),
        reshard_after_forward=config["fsdp_reshard_after_forward"],
        cpu_ram_efficient_loading=config["fsdp_cpu_ram_efficient_loading"],
        state_dict_type=config["fsdp_state_dict_type"],
    )
    accelerator.state.distributed_type = DistributedType.FSDP


def main(output: Path, way: str = "ddp", keep: str = "") -> None:
    """Trains to the fourth step, each process on its part of the batch; goes on from a checkpoint in `output`.

    With `keep`, the checkpoint of the second step stays one to go on from when the run is at its end.
    """
    args = TrainingArguments(
        output, steps=4, batch_size=4, init_lr=1e-2, mixed_precision="no", log_every=1, save_every=2
    )
    accelerator = accelerator_for(args)
    if keep:
        loop.drop_states = lambda *args: None
    if way == "fsdp2":
        share_weights(accelerator)
    torch.manual_seed(0)
    model = get_peft_model(tiny_model(), ImageAdapterConfig())
    rank, world_size = accelerator.process_index, accelerator.num_processes
    state = last_state(output)
    batches = [
        {name: value[rank::world_size] for name, value in global_batch(step % 2).items()}
        for step in range(state["step"] if state else 0, args.steps)
    ]
    optimizers = optimizers_for(model, args)
    train(accelerator, model, batches, optimizers, args, lambda m, f: m.save_pretrained(f), resume_from=state)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
