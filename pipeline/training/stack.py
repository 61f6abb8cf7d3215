"""The numerical stack: what, beside code, data and parameters, decides the bytes of a training."""

from __future__ import annotations

import platform
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import torch

_LIBRARIES = ("numpy", "torch", "transformers")


def stack(device: torch.device) -> dict[str, Any]:
    """The libraries' versions, the kind of device, and on a CPU the number of threads.

    What was trained on another stack is another training: its journal's rows and half-finished
    segments are not gone on from. A GPU's results do not depend on the CPU's threads.
    """
    on_cpu = device.type == "cpu"
    return {
        "libraries": _versions(),
        "device": _processor() if on_cpu else _accelerator(device),
        "threads": torch.get_num_threads() if on_cpu else None,
    }


@lru_cache(maxsize=1)
def _versions() -> list[str]:
    return [version(name) for name in _LIBRARIES]


def _processor() -> str:
    # Which vector instructions torch's kernels use decides the order of their sums.
    return f"{platform.machine()} {torch.backends.cpu.get_cpu_capability()}"


def _accelerator(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
