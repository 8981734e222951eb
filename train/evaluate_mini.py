"""What the embedded model sees and says, on painted pictures of seeds that it never met.

    python -m train.evaluate_mini [--model NAME] [--count 300] [--batch-size 32]

Every fact is asked for with its canonical question, the greedy answer is parsed, and compared with the picture's facts
and, as a control, with another picture's. All that an answer claims is held against the facts, whatever was asked. Of
"perhaps this or that", which claims that one of the two is so, only "this" counts as the answer to the question. A
second part asks about subjects in palettes that were never painted together in training. Nothing here is trained on.
"""

import argparse
import json
import os
import random
import re
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from tqdm import tqdm

import artgpt4
from artgpt4.chat import ChatModel, Parameters
from artgpt4.emotions import EMOTIONS, emotion_probabilities
from artgpt4.minigpt4 import chat_prompt
from train.data import bucketed, collate, dialogue_sample
from train.painter import language, sample_painting
from train.painter.facts import Facts
from train.painter.language.dialogue import candidates
from train.painter.language.grammar import opening
from train.painter.language.parse import Claim, claims, holds
from train.painter.vocabulary import THINGS

#: Far above every seed that training uses.
FIRST_SEED = 1_000_000_000
#: Pictures whose things and people are asked for, as many as it takes to have enough of the rare ones.
POOL = 4000
#: Pictures of the pool with each thing, and as many without; of the rarest there are about 30. These are 84 recalls:
#: of 60 pictures each, one in thirty of those that are .95 would come out below .9.
OF_EACH = 200
MAX_NEW_TOKENS = 200

#: What each question's answer is judged by: the key of `language.parse`, and the truth from the facts. A picture for
#: which the truth is None is not asked about, but for the light: "indoors, no weather to be seen" is an answer.
SINGLE_FACTS: dict[str, Callable[[Facts], str | None]] = {
    "subject": lambda facts: facts.subject,
    "manner": lambda facts: facts.manner,
    "light": lambda facts: facts.light,
    "leading colour": lambda facts: facts.colours[0],
    "brightness": lambda facts: facts.brightness,
    "saturation": lambda facts: facts.saturation,
    "warmth": lambda facts: facts.warmth,
    "contrast": lambda facts: facts.contrast,
    "density": lambda facts: facts.density,
    "horizon": lambda facts: facts.horizon,
    "side": lambda facts: facts.side,
    "people": lambda facts: facts.people,
    "emotion": lambda facts: facts.emotion,
}
COMPOSITION = ("horizon", "side", "density")
Rounds = list[tuple[str, str | None]]


def unseen(count: int, first: int = FIRST_SEED, combinations: str = "seen") -> tuple[list[Image.Image], list[Facts]]:
    """Painted pictures of seeds that no training used, and their facts."""
    numbers = tqdm(range(first, first + count), "painting", leave=False, disable=None)
    painted = [sample_painting(number, combinations=combinations) for number in numbers]
    return [Image.fromarray(image) for image, _ in painted], [facts for _, facts in painted]


def share(right: list[bool]) -> float:
    """How many are right; NaN of none."""
    return float(np.mean(right)) if right else float("nan")


@torch.inference_mode()
def answers(
    chat_model: ChatModel, pictures: list[Image.Image], rounds: list[Rounds], batch_size: int, draw: bool = False
) -> list[tuple[str, bool]]:
    """Answers, one for each picture and its dialogue so far, and whether each ended by itself.

    They are greedy, or with `draw` drawn as the page draws them.
    """
    usual = Parameters()
    drawing = {"do_sample": True, "temperature": usual.temperature, "top_p": usual.top_p, "top_k": 0}
    model, processor = chat_model.model, chat_model.processor
    prompts = [chat_prompt(of_picture) for of_picture in rounds]
    by_length = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    given: dict[int, tuple[str, bool]] = {}
    for start in tqdm(range(0, len(pictures), batch_size), leave=False, disable=None):
        chosen = by_length[start : start + batch_size]
        inputs = processor(
            images=[pictures[i] for i in chosen], text=[prompts[i] for i in chosen], return_tensors="pt"
        ).to(chat_model.device)
        outputs = model.generate(
            **inputs,
            max_new_tokens=MAX_NEW_TOKENS,
            **(drawing if draw else {"do_sample": False}),
            stop_strings=["###"],
            tokenizer=processor.tokenizer,
        )
        for i, ids in zip(chosen, outputs, strict=True):
            text, end, _ = processor.tokenizer.decode(ids, skip_special_tokens=True).partition("###")
            given[i] = text.strip(), bool(end)
    return [given[i] for i in range(len(pictures))]


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
        batch.pop("left_out")
        logits = chat_model.model(**batch).logits[:, :-1].flatten(0, 1)
        total += F.cross_entropy(logits.float(), labels, ignore_index=-100, reduction="sum").item()
        tokens += int((labels != -100).sum())
    return total / tokens


def chance(claimed: list, true: list) -> float:
    """How often answers with these frequencies would be right by luck; NaN of none."""
    if not true:
        return float("nan")
    claims, truths = Counter(claimed), Counter(true)
    return sum(count * truths[value] for value, count in claims.items()) / len(true) ** 2


def palette_f1(claimed: list[str], true: list[str]) -> float:
    """F1 of two sets of colour names; 1 where both are empty."""
    common = len(set(claimed) & set(true))
    return 2 * common / (len(set(claimed)) + len(set(true))) if claimed or true else 1.0


def calibration_error(confidences: list[float], right: list[bool], bins: int = 10) -> float:
    """Expected calibration error over bins of equal width (Guo et al., 2017, arXiv:1706.04599)."""
    confidences, right = np.array(confidences), np.array(right, dtype=float)
    of_bin = np.minimum((confidences * bins).astype(int), bins - 1)
    gaps = [
        abs(confidences[of_bin == b].mean() - right[of_bin == b].mean()) * (of_bin == b).mean() for b in set(of_bin)
    ]
    return float(sum(gaps))


def repeated_items(text: str) -> int:
    """How many enumerations ("blue, red and blue") name something twice."""
    lists = re.findall(r"(?:\w+(?: \w+)?, )*\w+(?: \w+)? and \w+(?: \w+)?", text.lower())
    items = [[item.strip() for item in re.split(r", | and ", found)] for found in lists]
    return sum(len(set(of_list)) < len(of_list) for of_list in items)


def repetition(text: str) -> float:
    """Share of an answer's 4-grams that it has had before."""
    words = re.findall(r"\w+", text.lower())
    grams = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def only_first(found: list[Claim]) -> list[Claim]:
    """The claims as if of "perhaps this or that" only "this" had been said."""
    return [of for key, value in found for of in (value[0] if key == "either" else [(key, value)])]


def named(text: str, key: str) -> list:
    """Every value of a fact that an answer names, both of two that it leaves open."""
    options = [of for claim in claims(text) for of in (sum(claim[1], ()) if claim[0] == "either" else (claim,))]
    return [value for name, value in options if name == key]


def agree(first: list, second: list) -> bool:
    """Whether of two answers each names what the other names first."""
    return bool(first and second) and first[0] in second and second[0] in first


class Examination:
    """Asks a model about pictures, and keeps all answers with their question's kind and picture."""

    def __init__(self, chat_model: ChatModel, pictures: list[Image.Image], facts: list[Facts], batch_size: int) -> None:
        self.chat_model, self.pictures, self.facts, self.batch_size = chat_model, pictures, facts, batch_size
        self.asked: list[tuple[str, int, str, bool]] = []  # kind, picture, answer, whether it ended

    def ask(self, kind: str, question: str, of: list[int] | None = None, before: dict[int, Rounds] | None = None):
        """The answers by picture; `before` holds the rounds that come first."""
        of = list(range(len(self.pictures))) if of is None else of
        rounds = [[*(before[i] if before else []), (question, None)] for i in of]
        given = answers(self.chat_model, [self.pictures[i] for i in of], rounds, self.batch_size)
        self.asked += [(kind, i, text, end) for i, (text, end) in zip(of, given, strict=True)]
        return {i: text for i, (text, _) in zip(of, given, strict=True)}

    def ask_fact(self, name: str) -> tuple[dict[str, float], dict[int, str]]:
        """How often one of `SINGLE_FACTS` is told right, with another picture and by luck; and the answers."""
        facts, truth, count = self.facts, SINGLE_FACTS[name], len(self.facts)
        of = [i for i in range(count) if name == "light" or truth(facts[i]) is not None]
        texts = self.ask(name, language.QUESTIONS[name], of)
        key = "colours" if name == "leading colour" else name
        claimed = [language.parse(texts[i]).get(key) for i in of]
        if key == "colours":
            claimed = [(names or [None])[0] for names in claimed]
        true = [truth(facts[i]) for i in of]
        other = [truth(facts[(i + count // 3) % count]) for i in of]
        figures = {
            "right": share([c == t for c, t in zip(claimed, true, strict=True)]),
            "swapped": share([c == t for c, t in zip(claimed, other, strict=True)]),
            "chance": chance(claimed, true),
            "commonest": max(Counter(true).values(), default=float("nan")) / max(len(of), 1),
            "asked": len(of),
        }
        return figures, texts


def facts_part(exam: Examination) -> dict:
    """Single facts, each against its own picture and another's; palettes; the emotion and what follows from it."""
    facts, count = exam.facts, len(exam.facts)
    shift = count // 3
    figures: dict = {"facts": {}}
    said = {}
    for name in SINGLE_FACTS:
        figures["facts"][name], said[name] = exam.ask_fact(name)
    composition = [figures["facts"][name] for name in COMPOSITION]
    figures["composition"] = sum(of["right"] * of["asked"] for of in composition) / sum(
        of["asked"] for of in composition
    )

    emotions = [language.parse(said["emotion"][i]).get("emotion") for i in range(count)]
    figures["emotion in true two best"] = share(
        [claimed in (f.emotion, f.second_emotion) for claimed, f in zip(emotions, facts, strict=True)]
    )
    asked = {i: [(language.QUESTIONS["emotion"], text)] for i, text in said["emotion"].items()}
    why = exam.ask("why", language.QUESTIONS["why"], before=asked)
    again = [(named(why[i], "emotion"), named(said["emotion"][i], "emotion")) for i in range(count)]
    figures["why names the same emotion"] = share([agree(a, b) for a, b in again if a])
    given = [(claim, facts[i]) for i in range(count) for claim in language.reasons(why[i])]
    figures["reasons that are so"] = share([holds(claim, of_picture) for claim, of_picture in given])
    figures["reasons"] = len(given)
    second = []  # what a later answer says of a fact that an earlier one has named
    for first, then in (("subject", "content"), ("palette", "leading colour"), ("emotion", "emotional description")):
        texts = said.get(first) or exam.ask(first, language.QUESTIONS[first])
        later = exam.ask(
            f"{then}, after {first}",
            language.QUESTIONS[then],
            before={i: [(language.QUESTIONS[first], text)] for i, text in texts.items()},
        )
        key = "colours" if first == "palette" else first
        for i, text in texts.items():
            pair = [named(of, key) for of in (text, later[i])]
            if key == "colours":
                pair = [(language.parse(of).get(key) or [])[:1] for of in (text, later[i])]
            if all(pair):
                second.append(agree(*pair))
        if first == "palette":
            palettes = [language.parse(texts[i]).get("colours") or [] for i in range(count)]
    figures["second rounds that agree with the first"] = share(second)
    figures["palette F1"] = float(np.mean([palette_f1(p, f.colours) for p, f in zip(palettes, facts, strict=True)]))
    swapped = facts[shift:] + facts[:shift]
    figures["palette F1, swapped"] = float(
        np.mean([palette_f1(p, f.colours) for p, f in zip(palettes, swapped, strict=True)])
    )
    return figures


def things_part(
    chat_model: ChatModel, pictures: list[Image.Image], facts: list[Facts], batch_size: int, of_each: int
) -> dict[str, dict[str, float]]:
    """Recall of yes and of no for each thing, on pictures drawn so that both are asked equally often.

    Asked is what the training may ask: a thing that is there but too small to be told is neither yes nor no.
    """
    draw, jobs = random.Random(0), []
    of_thing: dict[tuple[str, bool], list[int]] = defaultdict(list)
    for i, of_picture in enumerate(facts):
        for name, seen in candidates(of_picture):
            of_thing[name, seen].append(i)
    for (name, seen), of in of_thing.items():
        jobs += [(name, seen, i) for i in draw.sample(of, min(of_each, len(of)))]
    given = answers(
        chat_model,
        [pictures[i] for _, _, i in jobs],
        [[(language.thing_question(name), None)] for name, _, _ in jobs],
        batch_size,
    )
    recall: dict[str, dict[str, float]] = {name: {} for name in THINGS}
    for name in THINGS:
        for seen in (True, False):
            right = [
                language.parse(text).get("yes") is seen
                for (asked, is_seen, _), (text, _) in zip(jobs, given, strict=True)
                if asked == name and is_seen is seen
            ]
            recall[name]["yes" if seen else "no"] = share(right)
            recall[name]["asked for yes" if seen else "asked for no"] = len(right)
    return recall


def manners_part(exam: Examination) -> dict[str, float]:
    """What holds for any answer, whatever was asked: truth, form, honesty."""
    for kind in ("description", "short description", "title", "formal", "change", "second emotion", "page"):
        exam.ask(kind, language.QUESTIONS[kind])
    described = {i: text for kind, i, text, _ in exam.asked if kind == "description"}
    torch.manual_seed(0)
    rounds = [[(language.QUESTIONS["description"], None)]] * len(exam.pictures)
    drawn = [opening(text) for text, _ in answers(exam.chat_model, exam.pictures, rounds, exam.batch_size, draw=True)]
    fitting = []
    for number, (kind, question) in enumerate(language.UNANSWERABLE.items()):
        of = list(range(number, len(exam.pictures), len(language.UNANSWERABLE)))
        texts = answers(exam.chat_model, [exam.pictures[i] for i in of], [[(question, None)]] * len(of), 32)
        fitting += [(kind, language.fits_unanswerable(kind, text)) for text, _ in texts]
    false = [(kind, language.contradictions(text, exam.facts[i])) for kind, i, text, _ in exam.asked]
    by_kind = {kind: share([not found for k, found in false if k == kind]) for kind, _ in false}
    texts = [text for _, _, text, _ in exam.asked]
    of_answers = [(claims(text), exam.facts[i]) for _, i, text, _ in exam.asked]
    claimed = [(claim, of_picture) for found, of_picture in of_answers for claim in found]
    strictly = [all(holds(claim, of_picture) for claim in only_first(found)) for found, of_picture in of_answers]
    return {
        "answers": len(exam.asked),
        "answers that end": share([end for *_, end in exam.asked]),
        "answers without a contradiction": share([not found for _, found in false]),
        "without a contradiction, by question": by_kind,
        "answers that leave two values open": share([any(key == "either" for key, _ in of) for of, _ in of_answers]),
        "without a contradiction, of two left open the first alone": share(strictly),
        # Beside it: an answer that says little contradicts little.
        "claims in an answer": len(claimed) / len(exam.asked),
        "claims that are so": share([holds(claim, of_picture) for claim, of_picture in claimed]),
        "distinct descriptions": len(set(described.values())) / len(described),
        "drawn descriptions that begin as the one before": share(
            [a == b for a, b in zip(drawn, drawn[1:], strict=False)]
        ),
        "answers with a repeated item": share([repeated_items(text) > 0 for text in texts]),
        "repeated 4-grams": float(np.mean([repetition(text) for text in texts])),
        "words in an answer": float(np.mean([len(text.split()) for text in texts])),
        "unanswerable, honest": share([fits for _, fits in fitting]),
        "unanswerable, by kind": {k: share([f for kind, f in fitting if kind == k]) for k in language.UNANSWERABLE},
    }


def probability_part(chat_model: ChatModel, pictures: list[Image.Image], facts: list[Facts]) -> dict[str, float]:
    """p(emotion | picture): how often its greatest is right, and how well it knows how often."""
    told = []
    for picture in tqdm(pictures, "likelihoods", leave=False, disable=None):
        told.append(emotion_probabilities(chat_model.start(picture)))
    best = [max(EMOTIONS, key=of.get) for of in told]
    right = [claimed == of_picture.emotion for claimed, of_picture in zip(best, facts, strict=True)]
    return {
        "p(emotion): greatest is right": share(right),
        "p(emotion): calibration error": calibration_error([max(of.values()) for of in told], right),
    }


def evaluate(
    chat_model: ChatModel, count: int, batch_size: int, of_each: int = OF_EACH, pool: int = POOL, unseen_count: int = 0
) -> dict:
    """All figures, for `count` pictures; with `unseen_count`, single facts of as many unseen combinations as well."""
    pictures, facts = unseen(count)
    exam = Examination(chat_model, pictures, facts, batch_size)
    figures: dict = {"model": chat_model.name, "pictures": count} | facts_part(exam)
    figures |= manners_part(exam)
    pool_pictures, pool_facts = unseen(pool, FIRST_SEED + 1_000_000)
    figures["things"] = things_part(chat_model, pool_pictures, pool_facts, batch_size, of_each)
    # One picture in six shows people whose feelings can be read: the pool has enough of them.
    shown = [i for i, of_picture in enumerate(pool_facts) if of_picture.people]
    people = [pool_pictures[i] for i in shown], [pool_facts[i] for i in shown]
    figures["facts"]["people"], _ = Examination(chat_model, *people, batch_size).ask_fact("people")
    figures |= probability_part(chat_model, pictures[:200], facts[:200])
    figures["held-out loss"] = held_out_loss(chat_model, pictures, facts, 0)
    figures["held-out loss, swapped"] = held_out_loss(chat_model, pictures, facts, count // 3)
    if unseen_count:
        other = Examination(chat_model, *unseen(unseen_count, FIRST_SEED + 2_000_000, "unseen"), batch_size)
        figures["unseen combinations"] = facts_part(other) | {"pictures": unseen_count}
    figures["examples"] = [
        {"facts": facts[i].to_dict(), "said": {kind: text for kind, j, text, _ in exam.asked if j == i}}
        for i in range(min(8, count))
    ]
    return figures


def table(figures: dict) -> str:
    """The figures as Markdown."""
    parts = [figures["facts"]] + ([figures["unseen combinations"]["facts"]] if "unseen combinations" in figures else [])
    lines = [
        f"{figures['model']}, {figures['pictures']} unseen painted pictures, greedy answers",
        "",
        "| fact | right | picture swapped | by luck | commonest class | asked |"
        + (" unseen combinations |" if len(parts) > 1 else ""),
        "|---" * (5 + len(parts)) + "|",
    ]
    for name, of_fact in figures["facts"].items():
        shares = " | ".join(f"{of_fact[column]:.1%}" for column in ("right", "swapped", "chance", "commonest"))
        other = f" {parts[1][name]['right']:.1%} |" if len(parts) > 1 else ""
        lines.append(f"| {name} | {shares} | {of_fact['asked']} |{other}")
    lines.append("")
    single = [name for name, value in figures.items() if isinstance(value, float) and "loss" not in name]
    lines += [f"{name}: {figures[name]:.3f}" for name in single]
    if len(parts) > 1:
        of = figures["unseen combinations"]
        lines += [f"{name}, unseen combinations: {of[name]:.3f}" for name in single if name in of]
    things = figures["things"]
    lines.append(f"yes/no about {len(things)} things, worst recalls:")
    worst = sorted(
        (value, name, key) for name, of in things.items() for key, value in of.items() if key in ("yes", "no")
    )
    lines += [f"  {name}, {key}: {value:.0%} of {things[name][f'asked for {key}']}" for value, name, key in worst[:12]]
    for key in ("yes", "no"):
        asked = [(of[key], of[f"asked for {key}"]) for of in things.values() if of[f"asked for {key}"]]
        lines.append(f"  recall of {key}: {sum(v * n for v, n in asked) / sum(n for _, n in asked):.3f}")
    of_kind = figures["without a contradiction, by question"]
    lines.append("without a contradiction: " + ", ".join(f"{kind} {value:.0%}" for kind, value in of_kind.items()))
    of_kind = figures["unanswerable, by kind"]
    lines.append("unanswerable: " + ", ".join(f"{kind} {value:.0%}" for kind, value in of_kind.items()))
    own, other = figures["held-out loss"], figures["held-out loss, swapped"]
    lines.append(f"held-out loss: {own:.3f} nats per token, with another picture {other:.3f}, gap {other - own:.3f}")
    return "\n".join(lines)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--unseen-count", type=int, default=150, help="pictures of unseen combinations")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--json", type=Path, help="write all figures and some answers here as well")
    given = parser.parse_args()
    chat_model = artgpt4.load(given.model)
    torch.set_num_threads(os.cpu_count() or 1)  # loading a small model leaves one, which suits a single conversation
    figures = evaluate(chat_model, given.count, given.batch_size, unseen_count=given.unseen_count)
    print(table(figures))
    for example in figures["examples"][:5]:
        facts = example["facts"]
        print(f"\n[{facts['subject']}, {facts['manner']}, {facts['light']}, {facts['colours']}, {facts['emotion']}]")
        for kind in ("description", "emotion", "why", "title", "formal", "page"):
            print(f"  {kind}: {example['said'][kind]}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
