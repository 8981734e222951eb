"""One flat YAML file per run, then `key=value` words from the command line, read into a typed dataclass."""

import argparse
import dataclasses
import importlib.util
import re
import sys
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml
from huggingface_hub import get_token

T = TypeVar("T")

#: What can be trained; see `AdapterArguments`.
METHODS = ("image_adapter", "projection", "lora", "top_layers", "full")

#: Where else than to log.jsonl the figures of a run can go; each is a package of that name.
TRACKERS = ("tensorboard", "trackio")

_NUMBERS = re.compile(r"\[?\s*\d+(\s*,\s*\d+)*\s*\]?")


class ArgumentErrors(ValueError):
    """Every bad argument of a run, in one message."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(["This run cannot start:", *(f"  - {problem}" for problem in problems)]))


@dataclasses.dataclass
class TrainingArguments:
    """What every run of `train.loop.train` needs. Rates are per optimiser step, sizes per step over all processes.

    The schedule is LAVIS's `linear_warmup_cosine_lr`, as MiniGPT-4 and ArtGPT-4 use it: linear from `warmup_lr` to
    `init_lr` over `warmup_steps`, then a cosine from `init_lr` to `min_lr` at `steps`. With `muon_lr`, Muon trains the
    matrices of layers; its rate keeps the ratio of `muon_lr` to `init_lr`. A step takes longer for it: on a CPU, of the
    embedded model, up to twice as long.

    `tracker=tensorboard` writes the log's figures to `output/tensorboard` too, `tracker=trackio` to Trackio's own
    folder; both packages are optional.
    """

    output: Path
    steps: int
    batch_size: int = 32
    gradient_accumulation: int = 1
    init_lr: float = 1e-4
    min_lr: float = 8e-5
    warmup_lr: float = 1e-6
    muon_lr: float = 0.0
    warmup_steps: int = 0
    weight_decay: float = 0.05
    beta2: float = 0.999
    max_grad_norm: float = 1.0
    mixed_precision: str = "bf16"
    seed: int = 42
    num_workers: int = 0
    save_every: int = 1000
    log_every: int = 20
    tracker: str = "none"

    def problems(self) -> list[str]:
        """What is wrong with these values, each with the argument's name and the remedy; empty if nothing is."""
        found = []
        for name in ("steps", "batch_size", "gradient_accumulation", "save_every", "log_every"):
            if getattr(self, name) < 1:
                found.append(f"{name}={getattr(self, name)} must be at least 1")
        for name in ("init_lr", "min_lr", "warmup_lr", "muon_lr", "weight_decay", "warmup_steps", "num_workers"):
            if getattr(self, name) < 0:
                found.append(f"{name}={getattr(self, name)} must not be negative")
        if self.warmup_steps >= self.steps >= 1:
            found.append(f"warmup_steps={self.warmup_steps} must be below steps={self.steps}")
        if not 0 < self.beta2 < 1:
            found.append(f"beta2={self.beta2} must lie between 0 and 1")
        if self.max_grad_norm <= 0:
            found.append(f"max_grad_norm={self.max_grad_norm} must be positive")
        if self.mixed_precision not in ("no", "bf16", "fp16"):
            found.append(f'mixed_precision="{self.mixed_precision}" is none of no, bf16, fp16')
        if self.tracker not in ("none", *TRACKERS):
            found.append(f"tracker={self.tracker} is none of none, {', '.join(TRACKERS)}")
        elif self.tracker != "none" and importlib.util.find_spec(self.tracker) is None:
            found.append(f"tracker={self.tracker} is not installed: `python -m pip install {self.tracker}`")
        if self.output.is_file():
            found.append(f"output={self.output} is a file; name a folder")
        return found


@dataclasses.dataclass
class AdapterArguments(TrainingArguments):
    """What both stages need on top: a base, and what of it or in it is trained.

    `method` is ArtGPT-4's `image_adapter` or one of the paper's Table 3: `projection` (MiniGPT-4's), `top_layers` (the
    last `top_layers` of the language model), `full` (all of it), and GalleryGPT's `lora`. All train the projection.
    `layers`, `input_layernorm` and `post_attention_layernorm` are the image adapter's: all, even, none or layer numbers
    like 0,4,8; with `reduction_factor` they are the paper's Table 4.

    `token_cache` is a folder that `train.tokens` made of this run's pictures, if it shall not look at them itself;
    with `token_crops=K`, of K random crops of each.
    `compile=true` compiles each decoder layer with `torch.compile`. `quantization=8bit` or `4bit` holds the language
    model's frozen weights so, through bitsandbytes. `resume=auto` goes on from the newest checkpoint in `output`, if
    there is one. `push_to_hub=owner/name` uploads `output/final` at the end, into a private repository with
    `hub_private=true`; see `artgpt4.hub`.
    """

    base: str = ""
    adapter: str = ""
    method: str = "image_adapter"
    reduction_factor: float = 4
    layers: str = "all"
    input_layernorm: str = "even"
    post_attention_layernorm: str = "all"
    lora_rank: int = 128
    lora_alpha: int = 256
    lora_dropout: float = 0.05
    top_layers: int = 5
    dtype: str = "bfloat16"
    gradient_checkpointing: bool = False
    compile: bool = False
    quantization: str = "none"
    token_cache: Path | None = None
    token_crops: int = 0
    resume: str = "no"
    push_to_hub: str = ""
    hub_private: bool = False

    def problems(self) -> list[str]:
        """See `TrainingArguments.problems`."""
        found = super().problems()
        if not self.base:
            found.append(
                "base= is missing: a folder or Hub id of a MiniGPT-4 base, made by `python -m artgpt4.convert`, or for "
                "stage 2 of a LLaVA, such as llava-hf/llava-1.5-7b-hf"
            )
        for name in ("reduction_factor", "lora_rank", "lora_alpha", "top_layers"):
            if getattr(self, name) < 1:
                found.append(f"{name}={getattr(self, name)} must be at least 1")
        if not 0 <= self.lora_dropout < 1:
            found.append(f"lora_dropout={self.lora_dropout} must be at least 0 and below 1")
        for name in ("layers", "input_layernorm", "post_attention_layernorm"):
            value = getattr(self, name)
            if value not in ("all", "even", "none") and not _NUMBERS.fullmatch(value):
                found.append(f"{name}={value} is none of all, even, none, and no list of layer numbers like 0,4,8")
        if self.method not in METHODS:
            found.append(f"method={self.method} is none of {', '.join(METHODS)}")
        if self.adapter and self.method in ("top_layers", "full"):
            found.append(f"method={self.method} has no adapter: name the folder that stage 1 wrote as base=")
        if self.quantization not in ("none", "8bit", "4bit"):
            found.append(f"quantization={self.quantization} is none of none, 8bit, 4bit")
        elif self.quantization != "none" and importlib.util.find_spec("bitsandbytes") is None:
            found.append(f"quantization={self.quantization} needs bitsandbytes: `python -m pip install bitsandbytes`")
        if self.quantization != "none" and self.method in ("top_layers", "full"):
            found.append(
                f"quantization={self.quantization}: method={self.method} trains the base's own weights, which must not "
                "be quantised then; give quantization=none, or a method with an adapter"
            )
        if self.push_to_hub and not re.fullmatch(r"[\w.-]+/[\w.-]+", self.push_to_hub):
            found.append(f"push_to_hub={self.push_to_hub} is not of the form owner/name")
        elif self.push_to_hub and not get_token():
            found.append("push_to_hub= needs a token for the Hugging Face Hub: `hf auth login`, or set HF_TOKEN")
        if self.token_crops < 0:
            found.append(f"token_crops={self.token_crops} must not be negative; 0 is the whole picture")
        elif self.token_crops and self.token_cache is None:
            found.append(f"token_crops={self.token_crops} needs token_cache=, the folder that holds the crops' tokens")
        if self.resume not in ("no", "auto"):
            found.append(f"resume={self.resume} is neither no nor auto")
        if self.dtype not in ("float32", "bfloat16", "float16"):
            found.append(f'dtype="{self.dtype}" is none of float32, bfloat16, float16')
        return found


def layer_choice(value: str) -> str | list[int]:
    """`layers` and its like as `ImageAdapterConfig` takes them: a word, or numbers from "0,4,8" or "[0, 4, 8]"."""
    return value if value.isalpha() else [int(number) for number in re.findall(r"\d+", value)]


def missing_paths(**paths: Path | None) -> list[str]:
    """One problem for each named path that is given and does not exist."""
    return [f"{name}={path} does not exist" for name, path in paths.items() if path is not None and not path.exists()]


def _convert(value: Any, kind: Any) -> Any:
    """`value` as `kind`; raises ValueError or TypeError where it is not one."""
    options = typing.get_args(kind)
    if type(None) in options:
        if value is None or value in ("", "none", "null"):
            return None
        kind = next(option for option in options if option is not type(None))
    if kind == dict[str, float]:
        return _weights(value)
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("true", "false"):
            return str(value).lower() == "true"
        raise ValueError(value)
    if kind is int and float(value) != int(float(value)):
        raise ValueError(value)
    # int("1e4") fails, and YAML reads 1e-4 as a string: both are common ways to write a number.
    return int(float(value)) if kind is int else kind(value)


def _weights(value: Any) -> dict[str, float]:
    """A mapping of names to positive weights, from YAML or in YAML's braces; a single name has the weight 1."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = yaml.safe_load(value)
        except yaml.YAMLError:
            pass  # a pattern may begin with a brace too
    if isinstance(value, str):
        return {value: 1.0} if value else {}
    if not isinstance(value, dict):
        raise TypeError(value)
    return {str(name): float(weight) for name, weight in value.items()}


def parse(kind: type[T], argv: list[str] | None = None, description: str | None = None) -> T:
    """Arguments of type `kind` from `--config FILE` and the `key=value` words after it; the words win.

    Raises:
        ArgumentErrors: with all problems at once: unknown names, wrong types, missing values, and what the
            dataclass's own `problems()` finds.
    """
    parser = argparse.ArgumentParser(description=description, epilog="Fields: " + ", ".join(_names(kind)))
    parser.add_argument("--config", type=Path, help="a flat YAML file")
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="override single values of the file")
    given = parser.parse_args(argv)
    values: dict[str, Any] = {}
    problems: list[str] = []
    if given.config is not None:
        if not given.config.is_file():
            raise ArgumentErrors([f"--config {given.config} does not exist"])
        loaded = yaml.safe_load(given.config.read_text(encoding="utf-8")) or {}
        if not isinstance(loaded, dict):
            raise ArgumentErrors([f"--config {given.config} must hold one flat mapping of names to values"])
        values |= loaded
    for word in given.overrides:
        name, equals, value = word.partition("=")
        if not equals:
            problems.append(f'"{word}" is not of the form key=value')
        else:
            values[name] = value
    kinds = typing.get_type_hints(kind)
    known = {}
    for name, value in values.items():
        if name not in _names(kind):
            problems.append(f"{name} is no argument of this run; it knows {', '.join(_names(kind))}")
            continue
        try:
            known[name] = _convert(value, kinds[name])
        except (TypeError, ValueError):
            problems.append(f"{name}={value!r} is not of type {getattr(kinds[name], '__name__', kinds[name])}")
    for field in dataclasses.fields(kind):
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and field.name not in values:
            problems.append(f"{field.name}= is missing")
    if not problems:
        arguments = kind(**known)
        problems = arguments.problems()
        if not problems:
            return arguments
    raise ArgumentErrors(problems)


def parse_or_exit(kind: type[T], description: str | None = None, argv: list[str] | None = None) -> T:
    """`parse`, for scripts: prints the problems and exits with status 2."""
    try:
        return parse(kind, argv, description)
    except ArgumentErrors as errors:
        print(errors, file=sys.stderr)
        raise SystemExit(2) from None


def _names(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind)]
