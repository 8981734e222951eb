"""After stage 2, on painted pictures: the image adapters learn from which of their own answers are true.

    python -m train.truth --config train/configs/mini_truth.yaml [key=value ...]

Composed answers are all true of their picture: from them alone the embedded model learns to name in passing what it
cannot see nearly as readily as what it can. Here it answers by itself, several times the same question; each sentence
is held against the picture's facts, and what it says of a fact that it cannot see costs more than what it gains by one
that it can (`REWARD`, `COST`). Where `train.sight` has told how probable the tower finds a claim, that counts, not
whether it happens to be so: a guess that is right by luck teaches to guess. This is REINFORCE (Williams, 1992) with the
other answers' mean as the baseline (Kool et al., 2019; for language models Ahmadian et al., 2024, arXiv:2402.14740),
sentence by sentence: a sentence answers for itself and what follows it. Beside them come composed dialogues as in
stage 2, which keep the language what it is.

Too long at it, the embedded model says less rather than sees better: after 180 steps its descriptions held seven
claims, after 260 more only five, each as often false.

Only where every fact of a picture is known can this be done: `cc_sbu_align=` is what `train.painter` wrote.
"""

import dataclasses
import json
import random
import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import torch
from accelerate.utils import set_seed
from peft import PeftModel
from torch import nn
from torch.nn import functional as F

from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor, chat_prompt
from train.args import AdapterArguments, missing_paths, parse_or_exit
from train.data import bucketed, collate, dialogue_sample, endless_order
from train.evaluate_mini import SINGLE_FACTS, palette_f1, repeated_items, repetition
from train.loop import accelerator_for, adamw, learnt_in, token_loss, train
from train.methods import describe, load_model, must_be_minigpt4, save_model
from train.painter import language
from train.painter.facts import Facts
from train.painter.language import feel
from train.painter.language.dialogue import ask, candidates, draw_thing
from train.painter.language.parse import chance, claims, sentences
from train.painter.vocabulary import UNKNOWN
from train.tokens import Tokens


@dataclasses.dataclass
class TruthArguments(AdapterArguments):
    """`batch_size` counts answers, `samples` of them to each question. They make all batches of a step but the last, of
    which there are `gradient_accumulation`: that holds `dialogues`, by `dialogues_weight` of their loss.
    """

    cc_sbu_align: Path | None = None
    samples: int = 8
    dialogues: int = 16
    dialogues_weight: float = 0.5

    def problems(self) -> list[str]:
        """See `TrainingArguments.problems`."""
        found = super().problems() + missing_paths(cc_sbu_align=self.cc_sbu_align, token_cache=self.token_cache)
        for name in ("adapter", "cc_sbu_align", "token_cache"):
            if not getattr(self, name):
                found.append(f"{name}= is missing: this goes on from stage 2, with its pictures' facts and tokens")
        if self.samples < 2:
            found.append(f"samples={self.samples} must be at least 2: an answer is judged beside others")
        elif self.batch_size % self.samples:
            found.append(f"batch_size={self.batch_size} must be a multiple of samples={self.samples}")
        if self.gradient_accumulation < 2:
            found.append(
                f"gradient_accumulation={self.gradient_accumulation} must be at least 2: answers, then dialogues"
            )
        if self.dialogues < 1:
            found.append(f"dialogues={self.dialogues} must be at least 1")
        if self.token_crops:
            found.append(f"token_crops={self.token_crops} must be 0: a piece of a picture has other facts")
        if self.resume != "no":
            found.append("resume=auto is not for this run; begin a new one with adapter=OUTPUT/step-N")
        if self.push_to_hub:
            found.append(
                "push_to_hub= is not for this run; `python -m artgpt4.hub push OUTPUT/final owner/name` pushes it"
            )
        return found


# --- what is asked ---


@dataclasses.dataclass
class Asked:
    """One question about one picture, after what was said before."""

    kind: str  # of `language.QUESTIONS`, or "thing NAME"
    name: str  # the picture's in the token cache
    facts: Facts
    rounds: list[tuple[str, str | None]]


#: How often each kind is asked: more often what is told worst.
KINDS: dict[str, float] = {
    "subject": 1.5, "manner": 1, "light": 0.4, "leading colour": 1.2, "palette": 4, "brightness": 0.5,
    "saturation": 0.4, "warmth": 0.5, "contrast": 0.5, "density": 1.2, "horizon": 0.4, "side": 1.5, "people": 1,
    "emotion": 3.5, "why": 3, "second emotion": 2, "short description": 1, "description": 3,
    "emotional description": 4, "content": 2.5, "formal": 3, "page": 1.5, "title": 1, "change": 2, "thing": 4,
}  # fmt: skip
#: What an earlier round may have asked before some of them.
BEFORE: dict[str, str] = {
    "why": "emotion", "emotional description": "emotion", "content": "subject", "leading colour": "palette",
}  # fmt: skip


def draw_question(facts: Facts, name: str, rng: random.Random) -> Asked:
    """A question about a picture, in its canonical words or in others, some after a first round that is true."""
    kinds = dict(KINDS)
    if facts.people:  # whose feelings are seen worst, and in one picture of six
        kinds["people"] *= 5
    if facts.subject == UNKNOWN:
        kinds["subject"] *= 2
    kind = rng.choices(list(kinds), list(kinds.values()))[0]
    if kind == "thing":
        thing, _ = draw_thing(facts, rng, candidates(facts))
        return Asked(f"thing {thing}", name, facts, [(language.thing_question(thing), None)])
    rounds: list[tuple[str, str | None]] = []
    if kind == "why" or kind in BEFORE and rng.random() < 0.4:
        before = BEFORE[kind]
        length = rng.choice(("short", "medium"))
        told = feel.feeling(facts, rng, length) if before == "emotion" else language.answer(before, facts, rng)
        rounds.append((language.QUESTIONS[before], told))
    question = language.QUESTIONS[kind] if rng.random() < 0.6 or kind == "why" else ask(kind, rng)
    return Asked(kind, name, facts, [*rounds, (question, None)])


# --- what an answer is worth ---

#: What a true claim is worth, and what a false one costs: a claim pays if it is true in 9 of 10 cases. To leave two
#: values open is worth nothing, and costs as much where neither is so.
REWARD, COST = 0.11, 1.0
#: True claims that are worth something: a longer answer is not a better one.
ENOUGH = 7
#: What each kind of question must be answered with beside the facts of `SINGLE_FACTS`, by the key of `parse`.
_MUST_TELL = {"why": "emotion", "second emotion": "emotion", "emotional description": "emotion", "change": "emotion"}
#: Sentences that claim nothing and need not.
_MAY_CLAIM_NOTHING = ("second emotion", "change", "page")


def sentence_rewards(asked: Asked, text: str, ended: bool) -> list[tuple[int, float]]:
    """What each sentence of an answer is worth: (where it ends in the text, reward)."""
    found, seen = [], set()
    key = asked.kind if asked.kind in SINGLE_FACTS else _MUST_TELL.get(asked.kind)
    told = False
    for end, of_sentence in sentences(text):
        made = claims(of_sentence)
        doubts = [1 - chance(claim, asked.facts) for claim in made]
        worst = max(doubts, default=0.0)
        worth = -COST * (worst + 0.3 * (sum(doubts) - worst))
        for claim in set(made) - seen:
            p = chance(claim, asked.facts)
            if p > 0:
                worth += REWARD * p if len(seen) < ENOUGH and claim[0] != "either" else 0
                seen.add(claim)
        worth -= 0.5 * sum(1 - chance(claim, asked.facts) for claim in language.reasons(of_sentence))
        if not made and asked.kind not in _MAY_CLAIM_NOTHING:
            worth -= 0.3
        said = language.parse(of_sentence)
        if key and not told:
            of_key = _told(key, said)
            if of_key is not None or key in said:
                told = True
                worth += 2 * _chance(key, of_key, asked.facts) - 1
        found.append((end, worth))
    rest = 0.0 if ended else -1.0
    if key and not told:
        rest -= 1.0
    said = language.parse(text)
    if asked.kind in ("palette", "page"):  # else naming one colour alone would do
        named = said.get("colours") if asked.kind == "palette" else [of[0] for key, of in claims(text) if key == "code"]
        rest += 8 * (palette_f1(named or [], asked.facts.colours) - 0.8)
    if asked.kind.startswith("thing "):
        there = any(f"thing {thing.name}" == asked.kind for thing in asked.facts.things)
        rest += 1.0 if said.get("yes") is there else -1.0
    if asked.kind == "why" and asked.facts.reasons and not language.reasons(text):
        rest -= 0.5
    if asked.kind == "page" and not re.search(r"```html\n.*</b>\n```$", text, re.S):
        rest -= 1.0
    rest -= 0.5 * (repeated_items(text) > 0) + 2 * repetition(text)
    if not found:
        return [(len(text), rest - 1.0)]
    found[-1] = (found[-1][0], found[-1][1] + rest)
    return found


def _told(key: str, said: dict) -> object:
    if key == "leading colour":
        return (said.get("colours") or [None])[0]
    return said.get(key)


def _chance(key: str, told: object, facts: Facts) -> float:
    if key == "people" and facts.people is None:  # there is nobody, or nobody's feelings can be made out
        return float(told in (None, "unread"))
    return chance(("colours", (told,)) if key == "leading colour" else (key, told), facts)


# --- answering ---

#: Tokens that an answer may have.
MOST_TOKENS = 150


@torch.no_grad()
def sample_answers(
    model: MiniGPT4ForConditionalGeneration,
    processor: MiniGPT4Processor,
    prompts: list[str],
    query_output: torch.Tensor,
    samples: int,
) -> list[list[int]]:
    """Ids of `samples` answers to each prompt, drawn as they come (temperature 1), with the end mark if they ended.

    Args:
        query_output: [prompts, num_query_tokens, qformer hidden], the prompts' pictures.
    """
    end = processor.tokenizer.convert_tokens_to_ids(processor.end)
    rows = processor.padded(prompts).to(query_output.device)
    mask = rows["attention_mask"]
    embeds = model.embed(rows["input_ids"], query_output)
    out = model.language_model(inputs_embeds=embeds, attention_mask=mask, use_cache=True, logits_to_keep=1)
    cache, mask = out.past_key_values, mask.repeat_interleave(samples, 0)
    cache.batch_repeat_interleave(samples)
    logits = out.logits[:, -1].repeat_interleave(samples, 0)
    given: list[list[int]] = [[] for _ in range(len(prompts) * samples)]
    going = list(range(len(given)))
    for _ in range(MOST_TOKENS):
        drawn = torch.multinomial(logits.float().softmax(-1), 1)
        for row, token in zip(going, drawn[:, 0].tolist(), strict=True):
            given[row].append(token)
        left = [i for i, row in enumerate(going) if given[row][-1] != end]
        if not left:
            break
        if len(left) < len(going):
            kept = torch.tensor(left, device=mask.device)
            cache.batch_select_indices(kept)
            mask, drawn, going = mask[kept], drawn[kept], [going[i] for i in left]
        mask = F.pad(mask, (0, 1), value=1)
        out = model.language_model(input_ids=drawn, attention_mask=mask, past_key_values=cache, use_cache=True)
        logits = out.logits[:, -1]
    return given


def credit(
    ids: list[int], text_of: Callable[[list[int]], str], worth: list[tuple[int, float]]
) -> tuple[list[int], list[float]]:
    """For each token the number of its sentence, and for each sentence its worth with that of all that follow it.

    Args:
        text_of: decodes ids; the text of the first tokens tells in which sentence a token ends.
    """
    number, of_token = 0, []
    for i in range(1, len(ids) + 1):
        of_token.append(number)
        while number + 1 < len(worth) and len(text_of(ids[:i])) >= worth[number][0]:
            number += 1
    to_come, total = [0.0] * len(worth), 0.0
    for i in reversed(range(len(worth))):
        total += worth[i][1]
        to_come[i] = total
    return of_token, to_come


def answered(
    model: MiniGPT4ForConditionalGeneration,
    processor: MiniGPT4Processor,
    tokens: Tokens,
    asked: list[Asked],
    samples: int,
    many: int,
) -> Iterator[dict[str, torch.Tensor]]:
    """The model's own answers in `many` batches, `samples` to each question, with what each of their tokens is worth.

    That is its sentence's worth and that of all after it, less the mean of the other answers'.

    Yields:
        `query_output`, `input_ids` and `attention_mask` [questions, P] of the prompts, padded on the left, and
        `labels` and `weights` [questions * samples, A] of the answers, padded on the right with -100 and 0; `worth`,
        the mean of all answers'. Questions with answers of like length come together.
    """
    query_output = torch.stack([tokens.get(one.name) for one in asked]).to(model.device)
    prompts = [chat_prompt(one.rounds) for one in asked]
    given = sample_answers(model, processor, prompts, query_output, samples)
    end = processor.tokenizer.convert_tokens_to_ids(processor.end)

    def text_of(ids: list[int]) -> str:
        return processor.tokenizer.decode(ids, skip_special_tokens=True).partition(processor.end)[0].strip()

    worth, groups = 0.0, []
    for number, one in enumerate(asked):
        of_group = given[number * samples : (number + 1) * samples]
        judged = [credit(ids, text_of, sentence_rewards(one, text_of(ids), ids[-1] == end)) for ids in of_group]
        weights = []
        for i, (of_token, to_come) in enumerate(judged):
            others = [rest for j, (_, rest) in enumerate(judged) if j != i]
            # Where another answer has fewer sentences, nothing more was to come in it.
            usual = [sum(rest[s] for rest in others if s < len(rest)) / len(others) for s in range(len(to_come))]
            weights.append([to_come[s] - usual[s] for s in of_token])
            worth += to_come[0] / len(given)
        groups.append((max(map(len, of_group)), number, of_group, weights))
    groups.sort(key=lambda group: group[:2])
    for start in range(many):
        chosen = groups[start * len(groups) // many : (start + 1) * len(groups) // many]
        longest, numbers = chosen[-1][0], [number for _, number, _, _ in chosen]
        labels = torch.full((len(chosen) * samples, longest), -100)
        weights = torch.zeros(labels.shape)
        rows = [row for _, _, of_group, of_weights in chosen for row in zip(of_group, of_weights, strict=True)]
        for row, (ids, of_tokens) in enumerate(rows):
            labels[row, : len(ids)] = torch.tensor(ids)
            weights[row, : len(ids)] = torch.tensor(of_tokens)
        prompt = processor.padded([prompts[number] for number in numbers])
        batch = {"query_output": query_output[numbers], "labels": labels, "weights": weights}
        yield batch | {name: prompt[name] for name in ("input_ids", "attention_mask")} | {"worth": torch.tensor(worth)}


def batches(
    model: MiniGPT4ForConditionalGeneration,
    processor: MiniGPT4Processor,
    tokens: Tokens,
    args: TruthArguments,
    part: int,
    parts: int,
) -> Iterator[dict[str, torch.Tensor]]:
    """Endless batches: the model's answers as it is then, and composed dialogues, in turns."""
    folder = args.cc_sbu_align
    facts = {
        str(folder / "image" / f"{name}.jpg"): language.as_told(Facts.from_dict(of_picture))
        for name, of_picture in json.loads((folder / "facts.json").read_text(encoding="utf-8")).items()
    }
    # People's feelings are hard to see, and views that nobody could name are few.
    often = [name for name, of in facts.items() for _ in range(2 if of.people or of.subject == UNKNOWN else 1)]

    def composed() -> Iterator[dict]:
        for index, rng in endless_order(len(often), args.seed + 1, part, parts):
            dialogue = language.dialogue(facts[often[index]], rng, emotional=True)
            yield dialogue_sample(often[index], dialogue, processor) | {"name": often[index], "draw": 0}

    dialogues = bucketed(composed(), args.dialogues // parts, args.seed)
    order = endless_order(len(often), args.seed, part, parts)
    questions = args.batch_size // args.samples // parts
    while True:
        asked = [draw_question(facts[often[i]], often[i], rng) for i, rng in islice(order, questions)]
        yield from answered(model, processor, tokens, asked, args.samples, args.gradient_accumulation - 1)
        yield collate(next(dialogues), processor, tokens)


# --- learning ---


class Learner(nn.Module):
    """The model with the loss of both kinds of batches, as one forward pass: processes share its gradients."""

    def __init__(self, model: PeftModel, dialogues_weight: float) -> None:
        super().__init__()
        self.model, self.dialogues_weight = model, dialogues_weight

    def forward(self, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, dict[str, float]]:
        """(loss summed over tokens, figures): what was worth more than usual becomes likelier, what less, less so."""
        if "weights" not in batch:
            loss, _ = token_loss(self.model, batch)
            return loss * self.dialogues_weight, {"dialogue_loss": float(loss.detach() / learnt_in(batch))}
        labels, samples = batch["labels"], len(batch["labels"]) // len(batch["input_ids"])
        inputs = {name: batch[name] for name in ("query_output", "input_ids", "attention_mask")}
        # The answers to a question share its prompt: it is computed once, with its gradients.
        prompt = self.model(**inputs, use_cache=True, logits_to_keep=1)
        prompt.past_key_values.batch_repeat_interleave(samples)
        mask = torch.cat([batch["attention_mask"].repeat_interleave(samples, 0), (labels != -100).long()], dim=1)
        language_model = self.model.get_base_model().language_model
        answers = language_model(
            input_ids=labels.clamp(min=0), attention_mask=mask, past_key_values=prompt.past_key_values
        )
        logits = torch.cat([prompt.logits.repeat_interleave(samples, 0), answers.logits[:, :-1]], dim=1)
        each = F.cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), ignore_index=-100, reduction="none")
        figures = {
            "worth": float(batch["worth"]),
            "nats_per_token": float(each.detach().sum() / (labels != -100).sum()),
        }
        return (each * batch["weights"].flatten()).sum(), figures


def main() -> None:
    """Reads the arguments and trains.

    Raises:
        ValueError: if questions or dialogues cannot be shared evenly among processes and batches.
    """
    args = parse_or_exit(TruthArguments, __doc__)
    must_be_minigpt4(args.base, "train.truth")
    accelerator = accelerator_for(args)
    shares = accelerator.num_processes * (args.gradient_accumulation - 1)
    if args.batch_size // args.samples % shares or args.dialogues % accelerator.num_processes:
        raise ValueError(
            f"{args.batch_size // args.samples} questions and {args.dialogues} dialogues cannot be shared evenly by "
            f"{accelerator.num_processes} processes with gradient_accumulation={args.gradient_accumulation}, the last "
            "of which takes the dialogues; give other batch_size= or dialogues="
        )
    set_seed(args.seed, device_specific=True)
    processor = MiniGPT4Processor.from_pretrained(args.base)
    model = load_model(args)
    accelerator.print(describe(model))
    tokens = Tokens(args.token_cache, model.get_base_model(), processor)
    endless = batches(
        model.get_base_model(), processor, tokens, args, accelerator.process_index, accelerator.num_processes
    )
    learner = Learner(model, args.dialogues_weight)
    train(
        accelerator,
        learner,
        endless,
        [adamw(learner, args)],
        args,
        save=lambda trained, folder: save_model(trained.model, folder, args.base),
        compute_loss=lambda trained, batch: trained(batch),
    )


if __name__ == "__main__":
    main()
