"""Whether a model fits: what its weights take, and what there is, before anything is loaded; and what is given back."""

import ctypes
import math
import sys
from pathlib import Path

import psutil
import torch
from safetensors import safe_open

#: Linux: what a container may use, where it is less than the machine has. Version 2 of control groups, then version 1.
_CGROUP = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
#: Beside the weights: activations and KV caches of a few conversations.
MARGIN = 1.1


def needed(folders: list[Path], dtype: torch.dtype, quantization: str | None = None) -> int:
    """Bytes that the weights in `folders` take in memory, and a tenth more. Reads their headers only."""
    parameters = sum(_count(file) for folder in folders for file in folder.glob("*.safetensors"))
    size = {"8bit": 1.0, "4bit": 0.6}.get(quantization or "", dtype.itemsize)
    return math.ceil(parameters * size * MARGIN)


def available(device: torch.device) -> int:
    """Bytes free on the device; on a CPU, within the limits of the container."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    free = psutil.virtual_memory().available
    for limit, used in _CGROUP:
        if Path(limit).is_file() and Path(used).is_file():
            words = Path(limit).read_text().strip(), Path(used).read_text().strip()
            if words[0].isdigit():  # "max" where there is none
                free = min(free, max(0, int(words[0]) - int(words[1])))
    return free


def _count(file: Path) -> int:
    with safe_open(file, "pt") as weights:
        return sum(math.prod(weights.get_slice(name).get_shape()) for name in weights.keys())


def give_back() -> None:
    """Hands freed memory back to the system, where the C library can (glibc); elsewhere it does nothing.

    A KV cache on the CPU is copied to a larger place with every token. What it leaves behind lies in pieces between
    the caches of other talks, and glibc keeps those: after eighteen rounds it held half as much again as was in use.
    """
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)


def gigabytes(count: int) -> str:
    """The number of bytes as people say it."""
    return f"{count / 1e9:.1f} GB"
