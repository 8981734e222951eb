"""What the embedded model sees and says, on painted pictures of seeds that it never met.

    python -m train.evaluate_mini [--model NAME] [--count 300] [--batch-size 32]

Every fact is asked for with its canonical question, the greedy answer is parsed, and compared with the picture's facts
and, as a control, with another picture's. Prints one table; nothing here is used in training.
"""

import argparse
import json
import os
import random
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from tqdm import tqdm

import artgpt4
from artgpt4.chat import ChatModel
from artgpt4.minigpt4 import chat_prompt
from train.data import bucketed, collate, dialogue_sample
from train.painter import language, sample_painting
from train.painter.facts import Facts

#: Far above every seed that training uses.
FIRST_SEED = 1_000_000_000
MAX_NEW_TOKENS = 160

#: What each question's answer is judged by: the key of `language.parse`, and the truth from the facts.
SINGLE_FACTS = {
    "subject": lambda facts: facts.subject,
    "manner": lambda facts: facts.manner,
    "light": lambda facts: facts.light,
    "leading colour": lambda facts: facts.colours[0],
    "brightness": lambda facts: facts.brightness,
    "warmth": lambda facts: facts.warmth,
    "emotion": lambda facts: facts.emotion,
}


@torch.inference_mode()
def answers(
    chat_model: ChatModel, pictures: list[Image.Image], rounds: list[list[tuple[str, str | None]]], batch_size: int
) -> list[tuple[str, bool]]:
    """Greedy answers, one for each picture and its dialogue so far, and whether each ended by itself."""
    model, processor = chat_model.model, chat_model.processor
    given = []
    for start in tqdm(range(0, len(pictures), batch_size), leave=False, disable=None):
        batch = slice(start, start + batch_size)
        prompts = [chat_prompt(of_picture) for of_picture in rounds[batch]]
        inputs = processor(images=pictures[batch], text=prompts, return_tensors="pt").to(chat_model.device)
        outputs = model.generate(
            **inputs,
            max_new_tokens=MAX_NEW_TOKENS,
            do_sample=False,
            stop_strings=["###"],
            tokenizer=processor.tokenizer,
        )
        for ids in outputs:
            text, end, _ = processor.tokenizer.decode(ids, skip_special_tokens=True).partition("###")
            given.append((text.strip(), bool(end)))
    return given


@torch.inference_mode()
def held_out_loss(chat_model: ChatModel, pictures: list[Image.Image], facts: list[Facts], shift: int) -> float:
    """Nats per answer token of stage-2 dialogues, each shown the picture `shift` places on."""
    samples = [
        dialogue_sample(
            np.asarray(pictures[(i + shift) % len(pictures)]),
            language.dialogue(of_picture, random.Random(i), emotional=True),
            chat_model.processor,
        )
        for i, of_picture in enumerate(facts)
    ]
    total, tokens = 0.0, 0
    usable = len(samples) // 20 * 20
    for batch in bucketed(samples[:usable], 20, seed=0, pool=usable // 20):
        batch = {name: tensor.to(chat_model.device) for name, tensor in collate(batch, chat_model.processor).items()}
        labels = batch.pop("labels")[:, 1:].reshape(-1)
        logits = chat_model.model(**batch).logits[:, :-1].flatten(0, 1)
        total += F.cross_entropy(logits.float(), labels, ignore_index=-100, reduction="sum").item()
        tokens += int((labels != -100).sum())
    return total / tokens


def chance(claimed: list, true: list) -> float:
    """How often answers with these frequencies would be right by luck."""
    claims, truths = Counter(claimed), Counter(true)
    return sum(count * truths[value] for value, count in claims.items()) / len(true) ** 2


def palette_f1(claimed: list[str], true: list[str]) -> float:
    """F1 of two sets of colour names; 1 where both are empty."""
    common = len(set(claimed) & set(true))
    return 2 * common / (len(set(claimed)) + len(set(true))) if claimed or true else 1.0


def evaluate(chat_model: ChatModel, count: int, batch_size: int) -> dict:
    """All figures, for `count` pictures."""
    painted = [sample_painting(FIRST_SEED + i) for i in tqdm(range(count), desc="painting", disable=None)]
    pictures = [Image.fromarray(image) for image, _ in painted]
    facts = [of_picture for _, of_picture in painted]
    shift = count // 3
    swapped = facts[shift:] + facts[:shift]
    figures: dict = {"model": chat_model.name, "pictures": count, "facts": {}}
    ended, all_answers = [], []

    def ask(question: str, before: list[list[tuple[str, str]]] | None = None) -> list[str]:
        rounds = [[*(before[i] if before else []), (question, None)] for i in range(count)]
        given = answers(chat_model, pictures, rounds, batch_size)
        ended.extend(end for _, end in given)
        return [text for text, _ in given]

    for name, truth in SINGLE_FACTS.items():
        texts = ask(language.QUESTIONS[name])
        all_answers.append(texts)
        parsed = [language.parse(text) for text in texts]
        key = "colours" if name == "leading colour" else name
        claimed = [(p.get(key) or [None])[0] if key == "colours" else p.get(key) for p in parsed]
        true = [truth(of_picture) for of_picture in facts]
        other = [truth(of_picture) for of_picture in swapped]
        figures["facts"][name] = {
            "right": _share(claimed, true),
            "swapped": _share(claimed, other),
            "chance": chance(claimed, true),
            "commonest": Counter(true).most_common(1)[0][1] / count,
        }
        if name == "emotion":
            two = [{of_picture.emotion, of_picture.second_emotion} for of_picture in facts]
            figures["emotion in true two best"] = sum(c in best for c, best in zip(claimed, two, strict=True)) / count
            asked = [[(language.QUESTIONS["emotion"], text)] for text in texts]
            why = [language.parse(text).get("emotion") for text in ask(language.QUESTIONS["why"], asked)]
            named = [(a, b) for a, b in zip(why, claimed, strict=True) if a is not None]
            figures["why names the same emotion"] = sum(a == b for a, b in named) / max(len(named), 1)
    texts = ask(language.QUESTIONS["palette"])
    palettes = [language.parse(text).get("colours") or [] for text in texts]
    figures["palette F1"] = float(np.mean([palette_f1(p, f.colours) for p, f in zip(palettes, facts, strict=True)]))
    figures["palette F1, swapped"] = float(
        np.mean([palette_f1(p, f.colours) for p, f in zip(palettes, swapped, strict=True)])
    )
    long = ask(language.QUESTIONS["description"])
    figures["distinct long answers"] = len(set(long)) / count
    figures["answers that end"] = sum(ended) / len(ended)
    figures["answers"] = len(ended)
    figures["held-out loss"] = held_out_loss(chat_model, pictures, facts, 0)
    figures["held-out loss, swapped"] = held_out_loss(chat_model, pictures, facts, shift)
    figures["examples"] = [
        {"facts": facts[i].to_dict(), "long": long[i], "emotion": all_answers[-1][i]} for i in range(min(5, count))
    ]
    return figures


def _share(claimed: list, true: list) -> float:
    return sum(a == b for a, b in zip(claimed, true, strict=True)) / len(true)


def table(figures: dict) -> str:
    """The figures as Markdown."""
    lines = [
        f"{figures['model']}, {figures['pictures']} unseen painted pictures, greedy answers",
        "",
        "| fact | right | picture swapped | by luck | commonest class |",
        "|---|---|---|---|---|",
    ]
    for name, of_fact in figures["facts"].items():
        shares = " | ".join(f"{of_fact[column]:.1%}" for column in ("right", "swapped", "chance", "commonest"))
        lines.append(f"| {name} | {shares} |")
    lines.append("")
    for name in ("emotion in true two best", "why names the same emotion", "palette F1", "palette F1, swapped"):
        lines.append(f"{name}: {figures[name]:.3f}")
    lines.append(f"distinct long answers: {figures['distinct long answers']:.1%}")
    lines.append(f"answers that end: {figures['answers that end']:.2%} of {figures['answers']}")
    own, other = figures["held-out loss"], figures["held-out loss, swapped"]
    lines.append(f"held-out loss: {own:.3f} nats per token, with another picture {other:.3f}, gap {other - own:.3f}")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--json", type=Path, help="write all figures and some answers here as well")
    given = parser.parse_args()
    chat_model = artgpt4.load(given.model)
    torch.set_num_threads(os.cpu_count() or 1)  # loading a small model leaves one, which suits a single conversation
    figures = evaluate(chat_model, given.count, given.batch_size)
    print(table(figures))
    for example in figures["examples"]:
        print(
            f"\n[{example['facts']['subject']}, {example['facts']['manner']}, {example['facts']['light']}, "
            f"{example['facts']['emotion']}]\n  {example['long']}\n  {example['emotion']}"
        )
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
