"""The embedded model's base: a small MiniGPT-4 trained from nothing, on neutral descriptions only.

    python -m train.base --config train/configs/mini_base.yaml [key=value ...]

Five legs over shards that the painter wrote (`python -m train.painter shards`):

1. vision: ViT and Q-Former learn to tell what is in a picture, from its record of facts, and each patch of the ViT its
   own colours. Without it the language model learns to speak fluently about pictures that it does not see.
2. mirrored: the same from a fresh rate, half of the pictures mirrored and all shifted a little: what it tells of unseen
   pictures comes nearer to what it tells of those it has seen. One in seven becomes a view that nobody could name:
   before that, it found one of its subjects in two of three real pictures.
3. text: the language model learns the language, including words for emotions, without pictures.
4. captions: all of it together, on neutral captions and dialogues made afresh from the facts, the first leg's heads
   staying on as a reminder, with text alone in between.
5. talk: the same with vision tower and Q-Former frozen: they have learnt what they can, the language model has not, and
   a step takes two thirds of the time.

`output/minigpt4` is a base folder for `train.queries` and `train.stage1`; nothing in it has been told which emotion a
picture evokes.
"""

import dataclasses
import json
import random
import shutil
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
import webdataset as wds
from accelerate.utils import set_seed
from PIL import Image
from torch import nn
from torch.nn import functional as F
from tqdm import tqdm
from transformers import Blip2QFormerConfig, Blip2VisionConfig, BlipImageProcessorPil, LlamaConfig, LlamaTokenizer

from artgpt4.images import open_picture
from artgpt4.minigpt4 import MiniGPT4Config, MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from train.args import TrainingArguments, missing_paths, parse_or_exit
from train.data import (
    CAPTION_INSTRUCTIONS,
    bucketed,
    caption_sample,
    collate,
    dialogue_sample,
    endless_order,
    instruction_sample,
)
from train.loop import accelerator_for, optimizers_for, token_loss, train
from train.painter import language, vocabulary
from train.painter.facts import Facts
from train.painter.language import words
from train.painter.measure import LOCAL, measure, measure_patches, measured_again
from train.painter.paint import Painting
from train.painter.unknown import unknown_view


@dataclasses.dataclass
class BaseArguments(TrainingArguments):
    """`steps` counts the captions leg."""

    shards: Path = Path()
    tokenizer: Path = Path()
    vision_steps: int = 3000
    mirrored_steps: int = 9000
    text_steps: int = 300
    talk_steps: int = 7000
    muon_lr: float = 1.5e-3
    image_size: int = 112

    def problems(self) -> list[str]:
        """See `TrainingArguments.problems`."""
        found = super().problems() + missing_paths(shards=self.shards, tokenizer=self.tokenizer)
        for name in ("vision_steps", "mirrored_steps", "text_steps", "talk_steps"):
            if getattr(self, name) < 1:
                found.append(f"{name}={getattr(self, name)} must be at least 1")
        return found


# --- the model ---

#: Tokens of a dialogue with its picture that the model can hold; longer ones are not trained on.
CONTEXT = 640
#: Edge of a patch in pixels.
PATCH = 14


def build_model(
    tokenizer: LlamaTokenizer, image_size: int
) -> tuple[MiniGPT4ForConditionalGeneration, MiniGPT4Processor]:
    """A MiniGPT-4 of about 12M parameters with fresh weights, and its processor."""
    queries = 16
    image_processor = BlipImageProcessorPil(size={"height": image_size, "width": image_size})
    processor = MiniGPT4Processor(image_processor, tokenizer, num_query_tokens=queries)
    config = MiniGPT4Config(
        # transformers' default initializer_range for this tower is 1e-10, which starts it as zeros.
        vision_config=Blip2VisionConfig(
            hidden_size=192,
            num_hidden_layers=6,
            num_attention_heads=6,
            intermediate_size=768,
            image_size=image_size,
            patch_size=PATCH,
            initializer_range=0.02,
        ).to_dict(),
        qformer_config=Blip2QFormerConfig(
            hidden_size=192,
            num_hidden_layers=4,
            num_attention_heads=6,
            intermediate_size=768,
            encoder_hidden_size=192,
            cross_attention_frequency=2,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ).to_dict(),
        text_config=LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=288,
            num_hidden_layers=6,
            num_attention_heads=6,
            num_key_value_heads=6,
            intermediate_size=768,
            # No dialogue of the training is longer; beyond it the model rambles, and the chat leaves out old rounds.
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        ).to_dict(),
        num_query_tokens=queries,
    )
    model = MiniGPT4ForConditionalGeneration(config)
    with torch.no_grad():
        nn.init.normal_(model.vision_model.embeddings.class_embedding, std=0.02)
        grid = image_size // PATCH
        model.vision_model.embeddings.position_embedding[:, 1:] = sine_positions(grid, 192)
    return model, processor


def sine_positions(grid: int, size: int) -> torch.Tensor:
    """Sine-cosine positions of a square grid, [1, grid * grid, size]: half the channels for rows, half for columns."""
    frequencies = 1.0 / 100 ** (torch.arange(size // 4) / (size // 4))
    angles = torch.arange(grid)[:, None] * frequencies
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)  # [grid, size / 2]
    rows = waves[:, None].expand(grid, grid, -1)
    columns = waves[None].expand(grid, grid, -1)
    return torch.cat([rows, columns], dim=2).reshape(1, grid * grid, size) * 0.1


# --- what the vision leg learns ---

CLASSES: dict[str, tuple[str | None, ...]] = {
    "subject": (*vocabulary.SUBJECTS, vocabulary.UNKNOWN),
    "manner": (None, *vocabulary.MANNERS),
    "light": (None, *vocabulary.LIGHTS),
    "leading": vocabulary.COLOURS,
    "brightness": vocabulary.BRIGHTNESS,
    "saturation": vocabulary.SATURATION,
    "warmth": vocabulary.WARMTH,
    "contrast": vocabulary.CONTRAST,
    "density": vocabulary.DENSITY,
    "horizon": (None, *vocabulary.HORIZONS),
    "side": (None, *vocabulary.SIDES),
    "people": (None, *vocabulary.PEOPLE),
}
#: What may be present or not, several at once: things, each side's things, colours.
PRESENT: tuple[str, ...] = (
    *(f"thing {name}" for name in vocabulary.THINGS),
    *(f"{side} {name}" for side in vocabulary.SIDES for name in vocabulary.THINGS),
    *(f"colour {name}" for name in vocabulary.COLOURS),
)
MEASURES: tuple[str, ...] = ("brightness", "saturation", "warmth", "contrast", "density")
#: What is learnt last weighs more; the others weigh 1.
WEIGHT: dict[str, float] = {"people": 4.0, "side": 2.0, "density": 2.0, "horizon": 2.0}


def targets(facts: Facts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Class numbers [12], presences [len(PRESENT)] and measures [5] of one picture.

    A presence is 1, 0, or -1 where a thing is there but too small to be told: that teaches nothing.
    """
    values = dataclasses.asdict(facts) | {"leading": facts.colours[0]}
    classes = np.array([options.index(values[name]) for name, options in CLASSES.items()])
    present = {f"thing {thing.name}" for thing in facts.things} | {f"colour {name}" for name in facts.colours}
    present |= {f"{thing.side} {thing.name}" for thing in facts.things}
    unclear = {f"{where} {name}" for name in facts.unclear for where in ("thing", *vocabulary.SIDES)}
    return (
        classes,
        np.array([-1 if name in unclear else name in present for name in PRESENT], dtype=np.float32),
        np.array([facts.measures[name] for name in MEASURES], dtype=np.float32),
    )


#: What a word that tells a fact weighs in the loss of a text; all else weighs 1. Two of three words tell how something
#: is put, which is free: unweighted, their noise drowns what the picture has to say.
FACT_WEIGHT = 3.0
_SMALL = frozenset(
    "I a all an and are as at be by do from in is its it of on over own that the through to two under with".split()
)


def fact_weights(tokenizer: LlamaTokenizer, more: Iterable[str] = ()) -> torch.Tensor:
    """What each token weighs, [vocabulary]: `FACT_WEIGHT` for "yes", "no" and the words of facts, 1 for the others.

    Args:
        more: further phrases whose words weigh as much.
    """
    phrases = [*more]
    phrases += [name for names in (*CLASSES.values(), vocabulary.THINGS) for name in names if name]
    for table in (words.SUBJECT, words.MANNER, words.LIGHT, *words.TONE.values(), *words.NOUNS.values()):
        phrases += [phrase for value in table.values() for phrase in ([value] if isinstance(value, str) else value)]
    told = {word.strip(",") for phrase in phrases for word in phrase.split()} - _SMALL
    weights = torch.ones(len(tokenizer))
    for word in (*told, "yes", "no", "Yes", "No"):
        pieces = tokenizer(word, add_special_tokens=False).input_ids
        if len(pieces) == 1:
            weights[pieces] = FACT_WEIGHT
    return weights


#: What the shares of colours weigh in the heads' loss, of a patch and of the whole; and the presence of a colour beside
#: that of a thing. A palette is two or three names of twelve: without the patches, a tenth of them was missed.
SHARES_WEIGHT = 2.0
COLOUR_WEIGHT = 3.0


class Base(nn.Module):
    """The model with linear heads, which are thrown away at the end.

    On the mean query and on the mean patch they tell the facts of the picture, on each patch its own colours and tones.
    """

    def __init__(self, model: MiniGPT4ForConditionalGeneration, token_weights: torch.Tensor | None = None) -> None:
        super().__init__()
        self.model = model
        weights = torch.ones(model.config.text_config.vocab_size) if token_weights is None else token_weights
        self.register_buffer("token_weights", weights, persistent=False)
        sizes = [len(options) for options in CLASSES.values()]
        outputs = sum(sizes) + len(PRESENT) + len(MEASURES)
        self.query_head = nn.Linear(model.config.qformer_config.hidden_size, outputs)
        self.patch_head = nn.Linear(model.config.vision_config.hidden_size, outputs)
        self.sizes = [*sizes, len(PRESENT), len(MEASURES)]
        self.shares_head = nn.Linear(model.config.qformer_config.hidden_size, len(vocabulary.COLOURS))
        self.local_head = nn.Linear(model.config.vision_config.hidden_size, len(vocabulary.COLOURS) + len(LOCAL))
        weights = torch.tensor([COLOUR_WEIGHT if name.startswith("colour ") else 1.0 for name in PRESENT])
        self.register_buffer("present_weights", weights, persistent=False)

    def forward(self, batch: dict[str, torch.Tensor], heads_weight: float) -> tuple[torch.Tensor, dict[str, float]]:
        """(loss summed over what is learnt, figures); text is learnt where there are labels."""
        if "pixel_values" not in batch:
            loss, _ = token_loss(self.model.language_model, batch)
            return loss, {"text_loss": float(loss.detach() / (batch["labels"][:, 1:] != -100).sum())}
        patches = self.model.vision_model(batch["pixel_values"]).last_hidden_state
        queries = self.model.qformer(
            query_embeds=self.model.query_tokens.expand(len(patches), -1, -1), encoder_hidden_states=patches
        ).last_hidden_state
        heads_loss, correct = 0.0, {}
        for head, features in ((self.query_head, queries), (self.patch_head, patches[:, 1:])):
            *classes, present, measures = head(features.mean(1)).float().split(self.sizes, dim=1)
            for i, (name, logits) in enumerate(zip(CLASSES, classes, strict=True)):
                heads_loss = heads_loss + WEIGHT.get(name, 1.0) * F.cross_entropy(logits, batch["classes"][:, i])
                correct[f"{name}_right"] = (logits.argmax(1) == batch["classes"][:, i]).float().mean().item()
            # Most things are absent from most pictures: summed over a picture's presences, not averaged away.
            known = batch["present"] >= 0
            bits = F.binary_cross_entropy_with_logits(present, batch["present"].clamp(min=0), reduction="none")
            heads_loss = heads_loss + 0.25 * (bits * known * self.present_weights).sum(1).mean()
            heads_loss = heads_loss + 10 * F.mse_loss(measures, batch["measures"])
        colours, tones = self.local_head(patches[:, 1:]).float().split([len(vocabulary.COLOURS), len(LOCAL)], dim=2)
        shares = self.shares_head(queries.mean(1)).float()
        whole, local = batch["shares"].mean(1), batch["shares"].flatten(0, 1)
        heads_loss = heads_loss + SHARES_WEIGHT * F.cross_entropy(shares, whole)
        heads_loss = heads_loss + SHARES_WEIGHT * F.cross_entropy(colours.flatten(0, 1), local)
        heads_loss = heads_loss + 10 * F.mse_loss(tones, batch["tones"])
        if "labels" not in batch:
            return heads_loss * len(patches), correct | {"heads_loss": float(heads_loss.detach())}
        embeds = self.model.embed(batch["input_ids"], queries)
        logits = self.model.language_model(inputs_embeds=embeds, attention_mask=batch["attention_mask"]).logits
        labels = batch["labels"][:, 1:].reshape(-1)
        each = F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels, ignore_index=-100, reduction="none")
        weights = self.token_weights[labels.clamp(min=0)]
        of_facts = (labels != -100) & (weights > 1)
        tokens = (labels != -100).sum()
        figures = {
            "caption_loss": float(each.detach().sum() / tokens),
            "fact_loss": float(each.detach()[of_facts].mean()),
            "subject_right": correct["subject_right"],
        }
        return (each * weights).sum() + heads_weight * heads_loss * tokens, figures


# --- pictures and texts ---


def read_pictures(shards: Path, image_size: int, cache: Path) -> tuple[np.ndarray, list[Facts]]:
    """All pictures of the shards at the model's size, uint8 [N, S, S, 3] mapped from `cache`, and their facts.

    Decoded once: the tower sees every picture several times. A cache of other shards or another size is made anew.

    Raises:
        FileNotFoundError: if there are no shards.
    """
    paths = sorted(shards.glob("*.tar"))
    if not paths:
        raise FileNotFoundError(f"{shards} holds no .tar; run `python -m train.painter shards --out {shards}`")
    stamp = "\n".join([str(image_size), *(f"{path.name} {path.stat().st_size}" for path in paths)])
    stamp_file, pixels_file, facts_file = cache / "made_from.txt", cache / "pixels.npy", cache / "facts.jsonl"
    if not stamp_file.is_file() or stamp_file.read_text(encoding="utf-8") != stamp:
        shutil.rmtree(cache, ignore_errors=True)
        cache.mkdir(parents=True)
        pictures = []
        with open(facts_file, "w", encoding="utf-8") as lines:
            # One process reads all shards, whatever the number of processes: no splitting between nodes.
            records = wds.WebDataset([str(path) for path in paths], shardshuffle=False, nodesplitter=lambda urls: urls)
            for record in tqdm(records, unit="picture", desc="decoding"):
                picture = open_picture(record["jpg"]).resize((image_size, image_size), Image.Resampling.BICUBIC)
                pictures.append(np.asarray(picture))
                lines.write(json.dumps(json.loads(record["json"])["facts"]) + "\n")
        np.save(pixels_file, np.stack(pictures))
        stamp_file.write_text(stamp, encoding="utf-8")
    with open(facts_file, encoding="utf-8") as lines:
        facts = [Facts.from_dict(json.loads(line)) for line in lines]
    return np.load(pixels_file, mmap_mode="r"), facts


def pixel_values(pictures: Sequence[np.ndarray], processor: MiniGPT4Processor) -> torch.Tensor:
    """[B, 3, S, S] as the processor makes them, from pictures [S, S, 3] that have the size already."""
    mean, std = (torch.tensor(getattr(processor.image_processor, name)) for name in ("image_mean", "image_std"))
    return ((torch.from_numpy(np.stack(pictures)) / 255 - mean) / std).permute(0, 3, 1, 2).contiguous()


def vision_batches(
    pixels: np.ndarray,
    facts: list[Facts],
    processor: MiniGPT4Processor,
    batch_size: int,
    seed: int,
    part: int,
    parts: int,
    vary: bool,
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless batches of pictures, `varied` or as they are, and what the heads shall tell of them."""
    often = shown(facts)
    order = endless_order(len(often), seed, part, parts)
    while True:
        chosen = [(pixels[often[i]], facts[often[i]], rng) for i, rng in islice(order, batch_size)]
        pictures, told = zip(*((varied_or_unnamed(*one) if vary else one[:2]) for one in chosen), strict=True)
        yield with_targets({}, pictures, told, processor)


def shown(facts: list[Facts]) -> list[int]:
    """The indices of the pictures in an epoch: those with people, whose feelings are hard to see, twice."""
    return [i for i, of_picture in enumerate(facts) for _ in range(2 if of_picture.people else 1)]


#: By how many pixels, at most, a picture is shifted in training: too few to change any fact of it.
SHIFT = 4


def varied(picture: np.ndarray, facts: Facts, rng: random.Random) -> tuple[np.ndarray, Facts]:
    """A picture [S, S, 3] shifted by up to `SHIFT` pixels, its edges repeated, and mirrored one time in two.

    Its colours and measures are those of its own pixels: some lie so near a border that a shift changes them.
    """
    size = len(picture)
    top, left = rng.randint(0, 2 * SHIFT), rng.randint(0, 2 * SHIFT)
    picture = np.pad(picture, ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), "edge")[top : top + size, left : left + size]
    if rng.random() < 0.5:
        picture, facts = picture[:, ::-1], facts.mirrored()
    return picture, measured_again(facts, picture)


#: Share of the pictures that become a view that nobody could name, another each time. A tower that has seen few of
#: them finds one of its subjects in whatever real picture is put before it.
UNNAMED = 0.2


def varied_or_unnamed(picture: np.ndarray, facts: Facts, rng: random.Random) -> tuple[np.ndarray, Facts]:
    """A picture [S, S, 3] `varied`, or for `UNNAMED` of them an unknown view of its pieces, with that one's facts."""
    return unnamed(picture, rng) if rng.random() < UNNAMED else varied(picture, facts, rng)


def unnamed(picture: np.ndarray, rng: random.Random) -> tuple[np.ndarray, Facts]:
    """An unknown view [S, S, 3] of a picture's pieces, and its facts."""
    view = unknown_view(np.ascontiguousarray(picture), np.random.default_rng(rng.getrandbits(32)))
    return view, measure(Painting(view, {}, None), None)


def with_targets(
    batch: dict[str, torch.Tensor], pictures: Sequence[np.ndarray], facts: Sequence[Facts], processor: MiniGPT4Processor
) -> dict[str, torch.Tensor]:
    """`batch` with `pixel_values` and what the heads shall tell added.

    That is `classes` [B, 12], `present` [B, len(PRESENT)], `measures` [B, 5], and of each patch `shares`
    [B, N, len(COLOURS)] and `tones` [B, N, len(LOCAL)].
    """
    told = [
        (*targets(one), *measure_patches(picture, len(picture) // PATCH))
        for one, picture in zip(facts, pictures, strict=True)
    ]
    columns = (torch.from_numpy(np.stack(column)) for column in zip(*told, strict=True))
    named = dict(zip(("classes", "present", "measures", "shares", "tones"), columns, strict=True))
    return batch | {"pixel_values": pixel_values(pictures, processor)} | named


def text_batches(
    processor: MiniGPT4Processor, batch_size: int, seed: int, part: int
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless batches of text alone: sentences and dialogues about pictures in general, emotions among them."""
    rng = random.Random(f"text {seed} {part}")

    def samples() -> Iterator[dict]:
        while True:
            text = language.text_only(rng)
            if not isinstance(text, str):
                text = "".join(f"###Human: {question}###Assistant: {answer}" for question, answer in text) + "###"
            ids = [processor.tokenizer.bos_token_id, *processor.tokenizer(text, add_special_tokens=False).input_ids]
            yield {"picture": None, "input_ids": ids, "labels": list(ids)}

    for batch in bucketed(samples(), batch_size, seed):
        yield collate(batch, processor)


def caption_batches(
    pixels: np.ndarray,
    facts: list[Facts],
    processor: MiniGPT4Processor,
    batch_size: int,
    seed: int,
    part: int,
    parts: int,
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless batches of pictures with neutral text made afresh each time; every fifth batch is text alone.

    Only there does the language model meet a whole dialogue about what is felt, whose later rounds fit the earlier.
    """

    def samples() -> Iterator[dict]:
        for index, rng in endless_order(len(often), seed, part, parts):
            picture, seen = varied_or_unnamed(pixels[often[index]], facts[often[index]], rng)
            kind = rng.random()
            if kind < 0.7:
                sample = dialogue_sample(None, language.dialogue(seen, rng, emotional=False), processor)
            else:
                caption = language.caption(seen, rng, emotional=False)
                instruction = rng.choice(CAPTION_INSTRUCTIONS)
                if kind < 0.85:
                    sample = instruction_sample(None, instruction, caption, processor, max_text_tokens=160)
                else:
                    sample = caption_sample(None, caption, processor, max_text_tokens=160)
            yield sample | {"of": (picture, seen)}

    often = shown(facts)
    texts = text_batches(processor, batch_size, seed, part)
    for number, batch in enumerate(bucketed(samples(), batch_size, seed)):
        if number % 4 == 3:
            yield next(texts)
        pictures, told = zip(*(sample["of"] for sample in batch), strict=True)
        yield with_targets(collate(batch, processor), pictures, told, processor)


# --- training ---


def main() -> None:
    """Reads the arguments and trains the legs; a leg whose result is there is not trained again."""
    args = parse_or_exit(BaseArguments, __doc__)
    accelerator = accelerator_for(args)
    set_seed(args.seed)
    part, parts = accelerator.process_index, accelerator.num_processes
    per_process = args.batch_size // parts // args.gradient_accumulation
    tokenizer = LlamaTokenizer.from_pretrained(args.tokenizer)
    model, processor = build_model(tokenizer, args.image_size)
    with accelerator.main_process_first():
        pixels, facts = read_pictures(args.shards, args.image_size, args.output / "pictures")
    base = Base(model, fact_weights(tokenizer))
    if accelerator.is_main_process:
        print(f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f}M parameters, {len(facts)} pictures")

    of_pictures = pixels, facts, processor, per_process, args.seed, part, parts
    legs = {
        "vision": (args.vision_steps, vision_batches(*of_pictures, vary=False), 1.0),
        "mirrored": (args.mirrored_steps, vision_batches(*of_pictures, vary=True), 1.0),
        "text": (args.text_steps, text_batches(processor, per_process, args.seed, part), 0.0),
        "captions": (args.steps, caption_batches(*of_pictures), 0.05),
        "talk": (args.talk_steps, caption_batches(*of_pictures[:-3], args.seed + 1, part, parts), 0.0),
    }
    for leg, (steps, batches, heads_weight) in legs.items():
        done = args.output / leg / "final" / "base.pt"
        if done.is_file():
            base.load_state_dict(torch.load(done, weights_only=True))
            continue
        of_leg = dataclasses.replace(args, output=args.output / leg, steps=steps)
        of_leg.warmup_steps = min(args.warmup_steps, steps // 10)
        base.requires_grad_(leg not in ("text", "talk"))
        model.language_model.requires_grad_(leg in ("text", "captions", "talk"))
        model.language_projection.requires_grad_(leg in ("captions", "talk"))
        train(
            accelerator,
            base,
            batches,
            optimizers_for(base, of_leg),
            of_leg,
            save=lambda trained, folder: torch.save(trained.state_dict(), folder / "base.pt"),
            compute_loss=lambda trained, batch, weight=heads_weight: trained(batch, weight),
        )
        # The next leg trains other parameters: this leg's wrapper must not see their gradients.
        accelerator.free_memory()
    if accelerator.is_main_process:
        folder = args.output / "minigpt4"
        model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="9MB")
        processor.save_pretrained(folder)


if __name__ == "__main__":
    main()
