"""load("mini"), load("folder") or load("owner/name") -> a ChatModel, ready to talk."""

import json
from collections.abc import Callable
from pathlib import Path

import httpx2  # the Hub client lets some of its errors through
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError
from huggingface_hub.utils import tqdm
from peft import PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from transformers import BitsAndBytesConfig, PreTrainedConfig, PreTrainedModel
from transformers.utils import is_bitsandbytes_available

from artgpt4 import memory, openai
from artgpt4.chat import ChatModel
from artgpt4.image_adapter.model import PROJECTIONS
from artgpt4.llava import LlavaForConditionalGeneration, LlavaProcessor
from artgpt4.minigpt4 import MiniGPT4ForConditionalGeneration, MiniGPT4Processor
from artgpt4.openai import OpenAIModel

MINI = Path(__file__).parent / "checkpoints" / "artgpt4-mini" / "artgpt4"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
#: The families that can be talked with and trained, by `model_type`: their name, model and processor.
FAMILIES = {
    "minigpt4": ("MiniGPT-4", MiniGPT4ForConditionalGeneration, MiniGPT4Processor),
    "llava": ("LLaVA", LlavaForConditionalGeneration, LlavaProcessor),
}
#: What stays whole in a quantised base: the picture's way in, which is small, and what it loses no language model can
#: put back; its projection, which adapters train; and the head.
NOT_QUANTISED = ["vision_model", "qformer", "vision_tower", *PROJECTIONS, "lm_head"]
AUTO_DTYPES = {"cuda": torch.bfloat16, "mps": torch.float16, "cpu": torch.float32}
# Parameters under which one thread beats several on a CPU: a token is too little work to share. Measured for the
# embedded model on two cores: 200 tokens/s with one thread, 170 with two; with other programs busy on both, 30 and 4.
ONE_THREAD_BELOW = 100_000_000
# Nothing that could run code on loading: no pickles, no Python.
HUB_FILES = ["*.json", "*.safetensors", "*.model", "*.txt"]


class LoadError(RuntimeError):
    """A model that cannot be loaded. Its text is one line that says what is missing and what to do."""


def load(
    name: str = "mini",
    device: str = "auto",
    dtype: str | torch.dtype = "auto",
    quantization: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> ChatModel | OpenAIModel:
    """Loads a model to talk with.

    Args:
        name: ``mini`` for the embedded model; a folder or a Hub id (owner/name) with an adapter, which brings its base;
            with a base alone; or with both, as ``artgpt4.convert`` writes them; or ``openai:http://host:port/v1#name``
            for a model that an OpenAI-compatible server runs (the other arguments are the server's matter then).
        device: ``cuda``, ``cuda:1``, ``mps`` or ``cpu``; ``auto`` takes the first of them that there is.
        dtype: ``float32``, ``bfloat16`` or ``float16``; ``auto`` is bfloat16 on CUDA, float16 on MPS, float32 on CPU.
        quantization: ``8bit`` or ``4bit`` for the language model's weights, through bitsandbytes on CUDA.
        progress: called while weights are fetched, with the bytes that are here and those there are in all.

    A small model on a CPU sets torch to one thread for the whole process: see `ONE_THREAD_BELOW`.

    Raises:
        LoadError: if the model, or something that it needs, is not there, or it does not fit.
    """
    if name.startswith(openai.PREFIX):
        try:
            return OpenAIModel(name)
        except ValueError as error:
            raise LoadError(str(error)) from error
    device = choose_device(device)
    dtype = AUTO_DTYPES[device.type] if dtype == "auto" else _dtype(dtype)
    quantization_config = _quantization_config(quantization, device, dtype)
    base_folder, adapter_folder = model_folders(name, progress)
    try:
        folders = [folder for folder in (base_folder, adapter_folder) if folder]
        needs, has = memory.needed(folders, dtype, quantization), memory.available(device)
        if needs > has:  # a system that runs out of memory ends the process, and says nothing
            raise LoadError(
                f"{name} needs {memory.gigabytes(needs)} of memory, and {device} has {memory.gigabytes(has)} free; "
                "take a larger machine, a smaller model, or quantization '8bit' or '4bit' on a GPU."
            )
        base = _load_base(base_folder, device, dtype, quantization_config)
        processor = family(base_folder)[2].from_pretrained(base_folder)
        model = _load_adapter(base, adapter_folder, device, dtype) if adapter_folder else base
    except torch.OutOfMemoryError as error:
        raise LoadError(
            f"{name} does not fit into the memory of {device}; try quantization '8bit' or '4bit', or another device."
        ) from error
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        if isinstance(error, LoadError):
            raise
        raise LoadError(f"{name} cannot be loaded, fetch or convert it again: {_one_line(error)}") from error
    model.eval().requires_grad_(False)
    if device.type == "cpu" and base.num_parameters() < ONE_THREAD_BELOW:
        torch.set_num_threads(1)
    return ChatModel(model, processor, name, _description(name, base, model), _cache_bytes(device))


def choose_device(device: str) -> torch.device:
    """The device of that name; `auto` takes the first of cuda, mps and cpu that there is. Raises LoadError."""
    is_there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        return torch.device(next(kind for kind, there in is_there.items() if there))
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise LoadError(f"There is no device {device!r}; give auto, cuda, cuda:1, mps or cpu.") from error
    if not is_there.get(chosen.type) or chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise LoadError(f"The device {device!r} is not available here; device 'auto' takes the best there is.")
    return chosen


def _dtype(dtype: str | torch.dtype) -> torch.dtype:
    chosen = DTYPES.get(dtype, dtype)
    if chosen not in DTYPES.values():
        raise LoadError(f"There is no dtype {dtype!r} to run in; give auto, {', '.join(DTYPES)}.")
    return chosen


def _quantization_config(quantization: str | None, device: torch.device, dtype: torch.dtype):
    if quantization is None:
        return None
    if quantization not in ("8bit", "4bit"):
        raise LoadError(f"There is no quantization {quantization!r}; give '8bit', '4bit' or None.")
    if device.type != "cuda":
        raise LoadError(f"Quantization {quantization!r} needs a CUDA device, not {device.type}; load without it.")
    if not is_bitsandbytes_available():
        raise LoadError(f"Quantization {quantization!r} needs bitsandbytes: `python -m pip install bitsandbytes`.")
    return BitsAndBytesConfig(
        load_in_8bit=quantization == "8bit",
        load_in_4bit=quantization == "4bit",
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=NOT_QUANTISED,
    )


def model_folders(name: str, progress: Callable[[int, int], None] | None = None) -> tuple[Path, Path | None]:
    """The base's folder of a model named as for `load`, and the adapter's if there is one. Raises LoadError."""
    folder = MINI if name == "mini" else _fetch(name, progress)
    if (folder / "artgpt4" / "adapter_config.json").is_file():  # what artgpt4.convert wrote, as a whole
        folder = folder / "artgpt4"
    if (folder / "adapter_config.json").is_file():
        return _base_of(folder, progress), folder
    if (folder / "config.json").is_file():
        return folder, None
    if name == "mini":
        raise LoadError("The embedded model is missing; get the whole repository, or train it as README.md says.")
    raise LoadError(f"{name!r} holds no model: neither adapter_config.json nor config.json; see README.md, Models.")


def _base_of(adapter: Path, progress: Callable[[int, int], None] | None) -> Path:
    base = json.loads((adapter / "adapter_config.json").read_text(encoding="utf-8")).get("base_model_name_or_path")
    if not base:
        raise LoadError(
            f"The adapter {adapter.name!r} does not name its base; add base_model_name_or_path to its config."
        )
    beside = (adapter / base).resolve()
    if beside.is_dir():
        return beside
    if base.startswith("."):
        raise LoadError(f"The adapter {adapter.name!r} needs its base in {base!r} beside it, which is not there.")
    return _fetch(base, progress)


def _fetch(name: str, progress: Callable[[int, int], None] | None) -> Path:
    """The folder of that name, or what the Hub has under it."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise LoadError(f"There is no model {name!r}: give 'mini', a folder, or a Hub id (owner/name).")
    try:
        told = {"tqdm_class": _told(progress)} if progress else {}
        return Path(snapshot_download(name, allow_patterns=HUB_FILES, **told))
    except GatedRepoError as error:
        raise LoadError(
            f"{name} asks for consent: accept its terms on huggingface.co, then `hf auth login`."
        ) from error
    except RepositoryNotFoundError as error:
        raise LoadError(
            f"There is no model {name!r}, neither as a folder nor on the Hub; if it is private, `hf auth login` first."
        ) from error
    except LocalEntryNotFoundError as error:
        raise LoadError(
            f"{name} is no folder, and the Hugging Face Hub cannot be reached; check the name and the network."
        ) from error
    except (httpx2.HTTPError, HfHubHTTPError, OSError, ValueError) as error:
        raise LoadError(f"{name} could not be fetched from the Hugging Face Hub: {_one_line(error)}") from error


def _told(progress: Callable[[int, int], None]) -> type[tqdm]:
    """A progress bar that also tells `progress`."""

    class Told(tqdm):
        def __init__(self, *args, **kwargs):
            # Of the bars that are made, the one for the bytes of all files; it counts even where none is shown.
            self._is_told = kwargs.get("name") == "huggingface_hub.snapshot_download"
            self._done = 0
            super().__init__(*args, **kwargs)

        def update(self, n: float | None = 1) -> bool | None:
            self._done += int(n or 0)
            self._tell()
            return super().update(n)

        def refresh(self, *args, **kwargs) -> bool | None:
            self._tell()  # another file has begun, and the total has grown
            return super().refresh(*args, **kwargs)

        def _tell(self) -> None:
            if self._is_told:
                progress(self._done, int(self.total or 0))

    return Told


def family(base: str | Path) -> tuple[str, type[PreTrainedModel], type[MiniGPT4Processor | LlavaProcessor]]:
    """Name, model and processor of the family that a base is of: a folder, or a Hub id.

    Raises:
        LoadError: if it is of another.
    """
    model_type = PreTrainedConfig.get_config_dict(base)[0].get("model_type")
    if model_type not in FAMILIES:
        raise LoadError(
            f"{Path(base).name} is of the family {model_type!r}; only MiniGPT-4 ('minigpt4', see artgpt4.convert) and "
            "LLaVA ('llava') can be talked with so far."
        )
    return FAMILIES[model_type]


def _load_base(folder: Path, device: torch.device, dtype: torch.dtype, quantization_config):
    model, report = family(folder)[1].from_pretrained(
        folder,
        dtype=dtype,
        device_map=None if device.type == "cpu" else {"": device},
        quantization_config=quantization_config,
        use_safetensors=True,
        output_loading_info=True,
    )
    _check(folder, report["missing_keys"], report["unexpected_keys"])
    return model


def _load_adapter(base, folder: Path, device: torch.device, dtype: torch.dtype) -> PeftModel:
    weights = folder / "adapter_model.safetensors"
    if not weights.is_file():
        raise LoadError(f"The adapter {folder.name!r} has no adapter_model.safetensors; fetch or convert it again.")
    base_parameters = {id(parameter) for parameter in base.parameters()}
    model = PeftModel.from_pretrained(base, str(folder), autocast_adapter_dtype=False)
    with safe_open(weights, "pt") as file:
        given = set(file.keys())
    needed = set(get_peft_model_state_dict(model, save_embedding_layers=False))
    _check(folder, needed - given, given - needed)
    # One dtype throughout: trained in float32, run in the base's.
    for parameter in model.parameters():
        if id(parameter) not in base_parameters:
            parameter.data = parameter.data.to(device, dtype)
    return model


def _check(folder: Path, missing: set[str], unexpected: set[str]) -> None:
    for keys, what in ((missing, "lacks"), (unexpected, "has, without a place for them,")):
        if keys:
            raise LoadError(
                f"{folder.name} {what} {len(keys)} weights, {min(keys)!r} for one; fetch or convert it again."
            )


def _description(name: str, base: PreTrainedModel, model) -> str:
    count = base.num_parameters()
    size = f"{count / 1e9:.1f} billion" if count >= 1e9 else f"{count / 1e6:.1f} million"
    if name == "mini":
        return (
            f"A toy of {size} parameters, trained from scratch on pictures painted by program. It can tell such a "
            "picture's subject, colours, light and mood; what it says about real art is not to be relied on."
        )
    method = f", with {model.active_peft_config.peft_type.lower()}" if isinstance(model, PeftModel) else ""
    family_name = FAMILIES[base.config.model_type][0]
    return f"{family_name} of {size} parameters{method.replace('_', ' ')}."


def _cache_bytes(device: torch.device) -> int:
    """What the conversations' KV caches may take together: half of what the weights have left on a GPU."""
    return torch.cuda.mem_get_info(device)[0] // 2 if device.type == "cuda" else 2**30


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
