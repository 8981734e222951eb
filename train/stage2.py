"""Stage 2: the image adapters learn to converse, from instructions and dialogues about pictures.

    python -m train.stage2 --config train/configs/mini_stage2.yaml [key=value ...]

Goes on from stage 1's adapter with MiniGPT-4's kind of data (Zhu et al., 2023): `cc_sbu_align` (captions) and
LLaVA-Instruct JSON (dialogues), PaintingForm (formal analysis), ArtEmis (an emotion and why), or several of them
together. `output/final` is a folder that `artgpt4.load` opens.

A LLaVA base (Liu et al., 2023) needs no stage 1, and everything is put into its own prompt: GalleryGPT (Bin et al.,
2024) is `--config train/configs/gallerygpt_llava7b_lora.yaml`.
"""

import dataclasses
from pathlib import Path

from artgpt4.dialogue import DialogueProcessor
from artgpt4.loading import family
from train.args import AdapterArguments, missing_paths, parse_or_exit
from train.data import Records, read_artemis, read_cc_sbu_align, read_llava_instruct, read_paintingform
from train.loop import accelerator_for, token_loss
from train.methods import must_be_minigpt4
from train.stage1 import train_stage
from train.told import told_loss


@dataclasses.dataclass
class Stage2Arguments(AdapterArguments):
    """`cc_sbu_align`: a folder with filter_cap.json and image/; `llava`: a LLaVA-Instruct JSON, with `images`;
    `paintingform`: a folder with train_samples_tuning.json and images/; `artemis`: an ArtEmis CSV, with `wikiart`.

    `max_text_tokens` is for MiniGPT-4's stage-2 template; dialogues end at 2048 places, as LLaVA's do. With
    `weigh_facts` the words that tell facts of painted pictures weigh more than others (`train.told`)."""

    cc_sbu_align: Path | None = None
    llava: Path | None = None
    images: Path | None = None
    paintingform: Path | None = None
    artemis: Path | None = None
    wikiart: Path | None = None
    max_text_tokens: int = 160
    weigh_facts: bool = False

    def problems(self) -> list[str]:
        """See `TrainingArguments.problems`."""
        names = ("cc_sbu_align", "llava", "images", "paintingform", "artemis", "wikiart")
        found = super().problems() + missing_paths(**{name: getattr(self, name) for name in names})
        if not any((self.cc_sbu_align, self.llava, self.paintingform, self.artemis)):
            found.append("cc_sbu_align=, llava=, paintingform= or artemis= is missing: what shall stage 2 train on?")
        if self.llava is not None and self.images is None:
            found.append("images= is missing: the folder that the pictures of llava= lie in")
        if self.artemis is not None and self.wikiart is None:
            found.append("wikiart= is missing: the folder that the paintings of artemis= lie in")
        if self.max_text_tokens < 1:
            found.append(f"max_text_tokens={self.max_text_tokens} must be at least 1")
        return found


def read_samples(args: Stage2Arguments, processor: DialogueProcessor, rank: int, world_size: int) -> Records:
    """What stage 2 trains on: all that is named, together."""
    records = []
    if args.cc_sbu_align is not None:
        records += read_cc_sbu_align(args.cc_sbu_align)
    if args.llava is not None:
        records += read_llava_instruct(args.llava, args.images)
    if args.paintingform is not None:
        records += read_paintingform(args.paintingform)
    if args.artemis is not None:
        records += read_artemis(args.artemis, args.wikiart)
    return Records(records, processor, args.max_text_tokens, args.seed, rank, world_size)


def main() -> None:
    """Reads the arguments and trains."""
    args = parse_or_exit(Stage2Arguments, __doc__)
    if args.token_cache is not None:
        must_be_minigpt4(args.base, "token_cache=")
    accelerator = accelerator_for(args)
    processor = family(args.base)[2].from_pretrained(args.base)
    samples = read_samples(args, processor, accelerator.process_index, accelerator.num_processes)
    accelerator.print(f"{len(samples.records)} records")
    loss = told_loss(processor.tokenizer) if args.weigh_facts else token_loss
    train_stage(accelerator, args, samples, processor, loss)


if __name__ == "__main__":
    main()
