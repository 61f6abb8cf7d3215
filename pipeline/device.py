"""Where the arithmetic runs: hardware is no parameter of a result, so params.yaml has none."""

from __future__ import annotations

import os
import platform
from typing import Any

import torch

from pipeline.errors import UserError

_ONE_THREAD_WIDTH = 64


def pick() -> torch.device:
    """CUDA when present, else the CPU, unless ``PIPELINE_DEVICE`` says (``cpu``, ``cuda:1``)."""
    wanted = os.environ.get("PIPELINE_DEVICE")
    if wanted is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise UserError(f"PIPELINE_DEVICE is {wanted!r}: say cpu, cuda or cuda:0") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"PIPELINE_DEVICE is {wanted!r}, but torch sees no CUDA device")
    return device


def prepare(width: int) -> torch.device:
    """Pick the device and ask for deterministic kernels: two runs give the same bytes.

    A model of small ``width`` gets one thread: its matrices are too small to share, and on a busy
    machine threads that wait for each other have cost a factor of forty.
    """
    if width <= _ONE_THREAD_WIDTH:
        torch.set_num_threads(1)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # PyTorch then also fills fresh memory with NaN, a debugging aid that costs a pass over it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return pick()


def facts() -> dict[str, Any]:
    """Host facts for a timing record: machine, threads, device, torch version."""
    device = pick()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    return {"device": name, "threads": torch.get_num_threads(), "torch": torch.__version__}
