"""Stage 2: the image adapters learn to converse, from instructions and dialogues about pictures.

    python -m train.stage2 --config train/configs/mini_stage2.yaml [key=value ...]

Goes on from stage 1's adapter with MiniGPT-4's kind of data (Zhu et al., 2023): `cc_sbu_align` (captions) and
LLaVA-Instruct JSON (dialogues), or both. `output/final` is an adapter folder that `artgpt4.load` opens.
"""

import dataclasses
from pathlib import Path

from accelerate.utils import set_seed

from artgpt4.minigpt4 import MiniGPT4Processor
from train.args import AdapterArguments, missing_paths, parse_or_exit
from train.data import Records, loader, read_cc_sbu_align, read_llava_instruct
from train.loop import accelerator_for, adamw, train
from train.stage1 import load_with_adapter, save_adapter


@dataclasses.dataclass
class Stage2Arguments(AdapterArguments):
    """`cc_sbu_align`: a folder with filter_cap.json and image/; `llava`: a LLaVA-Instruct JSON, with `images`."""

    cc_sbu_align: Path | None = None
    llava: Path | None = None
    images: Path | None = None
    max_text_tokens: int = 160

    def problems(self) -> list[str]:
        """See `TrainingArguments.problems`."""
        found = super().problems() + missing_paths(cc_sbu_align=self.cc_sbu_align, llava=self.llava, images=self.images)
        if self.cc_sbu_align is None and self.llava is None:
            found.append("cc_sbu_align= or llava= is missing: what shall stage 2 train on?")
        if self.llava is not None and self.images is None:
            found.append("images= is missing: the folder that the pictures of llava= lie in")
        if self.max_text_tokens < 1:
            found.append(f"max_text_tokens={self.max_text_tokens} must be at least 1")
        return found


def main() -> None:
    """Reads the arguments and trains."""
    args = parse_or_exit(Stage2Arguments, __doc__)
    accelerator = accelerator_for(args)
    set_seed(args.seed)
    model = load_with_adapter(args)
    processor = MiniGPT4Processor.from_pretrained(args.base)
    records = []
    if args.cc_sbu_align is not None:
        records += read_cc_sbu_align(args.cc_sbu_align)
    if args.llava is not None:
        records += read_llava_instruct(args.llava, args.images)
    rank, world_size = accelerator.process_index, accelerator.num_processes
    samples = Records(records, processor, args.max_text_tokens, args.seed, rank, world_size)
    per_process = args.batch_size // world_size // args.gradient_accumulation
    batches = loader(samples, processor, per_process, args.seed, args.num_workers)
    if accelerator.is_main_process:
        print(f"{len(records)} records")
        model.print_trainable_parameters()
    train(accelerator, model, batches, [adamw(model, args)], args, save_adapter)


if __name__ == "__main__":
    main()
