"""Other systems' answers: through transformers, through a server, or from a file; and one entry for each system that
the papers' tables have.

Each has what `generate` needs: `answer(pictures, rounds) -> texts` and `about()`.
"""

import base64
import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from peft import PeftModel
from PIL import Image
from transformers import (
    AutoModelForImageTextToText,
    AutoModelForVisualQuestionAnswering,
    AutoProcessor,
)

from artgpt4.evaluation import published
from artgpt4.evaluation.endpoint import EndpointError, complete
from artgpt4.evaluation.generate import OurModel, round_by_round, versions
from artgpt4.loading import AUTO_DTYPES, MINI, choose_device, load

#: Where a server's key is read from.
KEY = "ARTGPT4_ENDPOINT_KEY"


class SystemUnavailable(RuntimeError):
    """A system that cannot answer here. Its text says what is missing and what to do."""


class TransformersModel:
    """An image-text-to-text model with a chat template, for instance LLaVA.

    Args:
        model_id: Hub id or folder.
        device: as for `artgpt4.load`, and so is the dtype.
        max_new_tokens: length of each answer at most.

    Raises:
        SystemUnavailable: it cannot be loaded, or is not of this kind.
        LoadError: there is no such device.
    """

    auto_class = AutoModelForImageTextToText

    def __init__(self, model_id: str, device: str = "auto", max_new_tokens: int = 300):
        self.model_id, self.max_new_tokens = model_id, max_new_tokens
        device = choose_device(device)
        how = {"dtype": AUTO_DTYPES[device.type], "use_safetensors": True, "trust_remote_code": False}
        try:
            self.processor = AutoProcessor.from_pretrained(model_id, trust_remote_code=False)
            self.model = self.auto_class.from_pretrained(model_id, **how).to(device).eval()
        except (OSError, ValueError, ImportError) as error:
            raise SystemUnavailable(f"{model_id} cannot be loaded: {' '.join(str(error).split())[:300]}") from error
        self.check()

    def check(self) -> None:
        if not getattr(self.processor, "chat_template", None):
            raise SystemUnavailable(
                f"{self.model_id} has no chat template, so it is not known how it is asked; GIT and ViLT have systems "
                "of their own (git, vilt)."
            )
        # An answer goes on where its prompt ends: what is padded stands in front.
        self.processor.tokenizer.padding_side = "left"
        if self.processor.tokenizer.pad_token is None:
            self.processor.tokenizer.pad_token = self.processor.tokenizer.eos_token

    def about(self) -> dict:
        """What made the answers, for each line of the file."""
        return {
            "model": self.model_id,
            "family": self.model.config.model_type,
            "parameters": {"do_sample": False, "max_new_tokens": self.max_new_tokens},
            "dtype": str(self.model.dtype).removeprefix("torch."),
            "versions": versions(),
        }

    @torch.inference_mode()
    def answer(self, pictures: Sequence[Image.Image], rounds: Sequence[Sequence[str]]) -> list[list[str]]:
        """Answers dialogues, the same round of all of them at once; every question sees the answers before it."""

        def ask(asked: list[int], dialogues: list[list[tuple[str, str | None]]]) -> list[str]:
            messages = [
                chat_messages({"type": "image", "image": pictures[index]}, dialogue)
                for index, dialogue in zip(asked, dialogues, strict=True)
            ]
            inputs = self.processor.apply_chat_template(
                messages,
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                processor_kwargs={"padding": True, "return_tensors": "pt"},
            ).to(self.model.device, self.model.dtype)
            outputs = self.model.generate(
                **inputs,
                max_new_tokens=self.max_new_tokens,
                do_sample=False,
                pad_token_id=self.processor.tokenizer.pad_token_id,
            )
            new = outputs[:, inputs["input_ids"].shape[1] :]
            return [text.strip() for text in self.processor.batch_decode(new, skip_special_tokens=True)]

        return round_by_round(rounds, ask)


class Git(TransformersModel):
    """GIT (Wang et al., 2022, arXiv:2205.14100) as a captioner: it cannot be asked, each round gets its caption."""

    def check(self) -> None:
        if self.model.config.model_type != "git":
            raise SystemUnavailable(f"{self.model_id} is of the family {self.model.config.model_type!r}, not 'git'.")

    def about(self) -> dict:
        return super().about() | {"reads_the_question": False}

    @torch.inference_mode()
    def answer(self, pictures: Sequence[Image.Image], rounds: Sequence[Sequence[str]]) -> list[list[str]]:
        """The caption of each picture, once for each question."""
        if not pictures:
            return []
        pixel_values = self.processor.image_processor(list(pictures), return_tensors="pt")["pixel_values"]
        pixel_values = pixel_values.to(self.model.device, self.model.dtype)
        # GIT's bos is the tokenizer's [CLS], whatever its config says.
        start = torch.full((len(pictures), 1), self.processor.tokenizer.cls_token_id, device=self.model.device)
        outputs = self.model.generate(
            input_ids=start,
            pixel_values=pixel_values,
            max_new_tokens=self.max_new_tokens,
            do_sample=False,
            eos_token_id=self.processor.tokenizer.sep_token_id,
            pad_token_id=self.processor.tokenizer.pad_token_id,
        )
        captions = self.processor.tokenizer.batch_decode(outputs[:, 1:], skip_special_tokens=True)
        return [[caption.strip()] * len(questions) for caption, questions in zip(captions, rounds, strict=True)]


class Vilt(TransformersModel):
    """ViLT (Kim et al., 2021, arXiv:2102.03334) with its VQA head: the likeliest of its few thousand short answers.

    It does not see earlier rounds, and a question is cut where its 40 tokens end.
    """

    auto_class = AutoModelForVisualQuestionAnswering

    def check(self) -> None:
        if self.model.config.model_type != "vilt":
            raise SystemUnavailable(f"{self.model_id} is of the family {self.model.config.model_type!r}, not 'vilt'.")

    def about(self) -> dict:
        return super().about() | {"parameters": {"head": "vqa", "answers": self.model.config.num_labels}}

    @torch.inference_mode()
    def answer(self, pictures: Sequence[Image.Image], rounds: Sequence[Sequence[str]]) -> list[list[str]]:
        """A few words for each question."""
        answers = []
        for picture, questions in zip(pictures, rounds, strict=True):  # pictures differ in shape
            inputs = self.processor(
                images=[picture] * len(questions),
                text=list(questions),
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=self.model.config.max_position_embeddings,
            ).to(self.model.device, self.model.dtype)
            best = self.model(**inputs).logits.argmax(-1).tolist()
            answers.append([self.model.config.id2label[label] for label in best])
        return answers


class Endpoint:
    """A model behind an OpenAI-compatible server: GPT-4-class systems, vLLM and others.

    Pictures are sent as JPEG of quality 95; the questions of a batch are sent at once. A refusal is the system's answer
    and stands as it came.

    Args:
        model: the server's name of it.
        url: up to and without `/chat/completions`.
        key: sent as bearer token if there is one.
        max_new_tokens: length of each answer at most.
        attempts, pause, timeout: tries of each question; seconds before the second, doubled for each after; seconds
            that one may take.
    """

    def __init__(
        self,
        model: str,
        url: str,
        key: str | None = None,
        max_new_tokens: int = 300,
        attempts: int = 5,
        pause: float = 2.0,
        timeout: float = 120.0,
    ):
        self.model, self.url, self.key, self.max_new_tokens = model, url, key, max_new_tokens
        self.attempts, self.pause, self.timeout = attempts, pause, timeout

    def about(self) -> dict:
        """What made the answers, for each line of the file."""
        parameters = {"temperature": 0, "max_tokens": self.max_new_tokens, "seed": 0}
        return {"model": self.model, "endpoint": self.url, "parameters": parameters, "versions": versions()}

    def answer(self, pictures: Sequence[Image.Image], rounds: Sequence[Sequence[str]]) -> list[list[str]]:
        """Answers dialogues; every question sees the answers before it.

        Raises:
            SystemUnavailable: the server gave no answer. What was answered before is kept by `generate`.
        """
        shown = [{"type": "image_url", "image_url": {"url": _data_url(picture)}} for picture in pictures]

        def ask(asked: list[int], dialogues: list[list[tuple[str, str | None]]]) -> list[str]:
            messages = [chat_messages(shown[index], dialogue) for index, dialogue in zip(asked, dialogues, strict=True)]
            with ThreadPoolExecutor(len(messages)) as pool:
                return list(pool.map(self._complete, messages))

        return round_by_round(rounds, ask)

    def _complete(self, messages: list[dict]) -> str:
        body = {
            "model": self.model,
            "messages": messages,
            "temperature": 0,
            "max_tokens": self.max_new_tokens,
            "seed": 0,
        }
        try:
            message = complete(self.url, self.key, body, self.attempts, self.pause, self.timeout)
        except EndpointError as error:
            raise SystemUnavailable(f"{error} Run again to go on from there.") from error
        return (message.get("content") or message.get("refusal") or "").strip()


def chat_messages(picture: dict, dialogue: Sequence[tuple[str, str | None]]) -> list[dict]:
    """A dialogue whose last answer is open as chat messages, the picture's part before the first question."""
    messages = []
    for number, (question, answer) in enumerate(dialogue):
        parts = [picture] if number == 0 else []
        messages.append({"role": "user", "content": [*parts, {"type": "text", "text": question}]})
        if answer is not None:
            messages.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
    return messages


def _data_url(picture: Image.Image) -> str:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=95)
    return f"data:image/jpeg;base64,{base64.b64encode(content.getvalue()).decode()}"


def _ours(model: str, options: "_Options") -> OurModel:
    return OurModel(load(model, device=options.device), options.max_new_tokens)


def _minigpt4(model: str, options: "_Options") -> OurModel:
    system = _ours(model, options)
    if isinstance(system.chat_model.model, PeftModel):
        raise SystemUnavailable(f"{model} brings an adapter, and MiniGPT-4 is the base alone: name the base's folder.")
    return system


def _transformers(kind: type[TransformersModel]) -> Callable[[str, "_Options"], TransformersModel]:
    return lambda model, options: kind(model, options.device, options.max_new_tokens)


def _endpoint(model: str, options: "_Options") -> Endpoint:
    if not options.url:
        raise SystemUnavailable(f"{model} answers through a server; name it with --url, its key in {KEY}.")
    return Endpoint(model, options.url, os.environ.get(KEY), options.max_new_tokens)


@dataclass(frozen=True)
class _Options:
    device: str
    max_new_tokens: int
    url: str | None


@dataclass(frozen=True)
class NamedSystem:
    """A system that can be named to `generate`.

    Attributes:
        printed: its names in the papers' tables.
        note: what to know of it; for one that does not run here, why.
        open: makes it from a model's name; None if its answers have to be brought.
        model: what is loaded unless another is named; None if one must be.
    """

    printed: tuple[str, ...]
    note: str
    open: Callable[[str, _Options], object] | None = None
    model: str | None = None

    def published_rows(self) -> list[dict[str, str]]:
        """Its rows in the papers' main tables, as they are printed, each with the `benchmark` it is of."""
        return [
            {"benchmark": name} | row
            for name in ("artemis", "artmm", "first_preprint", "painting_form")
            for row in published.table(name)
            if row["system"] in self.printed and row.get("table", "1") == "1"
        ]


_NOT_RELEASED = "no published weights of it are known"
_OWN_CODE = "it runs with its authors' own code only"

#: Every system of the papers' tables, and the two general ways in.
SYSTEMS: dict[str, NamedSystem] = {
    "artgpt4": NamedSystem(
        (
            "ArtGPT-4 (MiniGPT-4)",
            "ArtGPT-4 (MiniGPT-4-Vicuna-7B)",
            "ArtGPT-4 (MiniGPT-4-Vicuna-13B)",
            "ArtGPT-4",
        ),
        "our models; the embedded one unless another is named",
        _ours,
        "mini",
    ),
    "minigpt4": NamedSystem(
        ("MiniGPT-4", "MiniGPT-4 (Vicuna-13B)", "MiniGPT-4 (Vicuna-7B)"),
        "a base without adapter; the embedded one's unless another is named",
        _minigpt4,
        str(MINI.parent / "minigpt4"),
    ),
    "llava": NamedSystem(
        ("LLaVA", "LLaVA (Vicuna-13B)"),
        "the rows are of its first release; transformers has 1.5",
        _transformers(TransformersModel),
        "llava-hf/llava-1.5-13b-hf",
    ),
    "llava-1.5-7b": NamedSystem(
        ("LLaVA-1.5-7B",), "image-text-to-text", _transformers(TransformersModel), "llava-hf/llava-1.5-7b-hf"
    ),
    "git": NamedSystem(
        ("GIT",),
        "captions; the row is of 0.7 billion parameters, more than this one has",
        _transformers(Git),
        "microsoft/git-large-coco",
    ),
    "vilt": NamedSystem(("ViLT",), "visual question answering", _transformers(Vilt), "dandelin/vilt-b32-finetuned-vqa"),
    "gpt-4": NamedSystem(("GPT-4 (criterion)",), "through a server; name its model", _endpoint),
    "artgpt4-llava": NamedSystem(("ArtGPT-4 (LLaVA)", "ArtGPT-4 (LLaVA-Vicuna-13B)"), _NOT_RELEASED),
    "multi-modal-gpt": NamedSystem(("Multi-modal GPT",), f"{_OWN_CODE} (github.com/open-mmlab/Multimodal-GPT)"),
    "visualgpt": NamedSystem(("VisualGPT",), f"{_OWN_CODE} (github.com/Vision-CAIR/VisualGPT)"),
    "gallerygpt": NamedSystem(("GalleryGPT-7B",), f"{_OWN_CODE} (github.com/steven640pixel/GalleryGPT)"),
    "qwen-vl-chat": NamedSystem(("Qwen-VL-Chat",), f"{_OWN_CODE} (github.com/QwenLM/Qwen-VL)"),
    "sharegpt4v": NamedSystem(("ShareGPT4V-7B",), f"{_OWN_CODE} (github.com/ShareGPT4Omni/ShareGPT4V)"),
    "artist": NamedSystem(("Artist (human)",), "people write these; their scores come with `score --people`"),
    "transformers": NamedSystem(
        (), "any image-text-to-text model with a chat template", _transformers(TransformersModel)
    ),
    "endpoint": NamedSystem((), "any model behind an OpenAI-compatible server", _endpoint),
}


def open_system(
    name: str, model: str | None = None, device: str = "auto", max_new_tokens: int = 300, url: str | None = None
):
    """The system of that name, ready to answer.

    Args:
        name: one of `SYSTEMS`.
        model: Hub id, folder, or the server's name of a model, instead of the entry's own.
        device: where it runs, if it runs here.
        max_new_tokens: length of each answer at most.
        url: the server's, for those behind one.

    Raises:
        SystemUnavailable: there is no such system, it needs something that was not named, or its answers have to be
            brought.
        LoadError: one of our models cannot be loaded.
    """
    if name not in SYSTEMS:
        raise SystemUnavailable(f"There is no system {name!r}; there are: {', '.join(SYSTEMS)}.")
    entry = SYSTEMS[name]
    if entry.open is None:
        raise SystemUnavailable(
            f"{name} cannot be run here: {entry.note}. Bring its answers as JSONL, one line for each item: "
            '{"id": "...", "answers": ["one for each round"]}, and give the file to `score --predictions`.'
        )
    if model is None and entry.model is None:
        raise SystemUnavailable(f"{name} needs the name of a model; give it with --model.")
    return entry.open(model or entry.model, _Options(device, max_new_tokens, url))


def systems_table() -> str:
    """All entries with how they run and the figures printed for them, as Markdown."""
    rows = []
    for name, entry in SYSTEMS.items():
        how = "brings predictions" if entry.open is None else entry.model and os.path.basename(entry.model) or "--model"
        figures = "; ".join(
            f"{row['benchmark']}: "
            + ", ".join(f"{column} {value}" for column, value in row.items() if value and column not in _NAMES)
            for row in entry.published_rows()
        )
        rows.append([name, how, entry.note, figures or "-"])
    return published.markdown_table(["system", "runs", "note", "published"], rows)


_NAMES = ("benchmark", "system", "table", "note")
