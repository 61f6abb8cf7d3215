"""Where the arithmetic runs: hardware is no parameter of a result, so params.yaml has none."""

from __future__ import annotations

import os
import platform
import re
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch

from pipeline.errors import UserError
from pipeline.training.threads import ONE_THREAD_WIDTH, busy_cores, threads_for

# A CPU without bfloat16 instructions takes a second for a product of 768, and is known from less.
_PRODUCT_SIZE = {"cpu": 384, "cuda": 8192}
_PRODUCT_REPEATS = 4


def pick() -> torch.device:
    """CUDA when present, else the CPU, unless ``PIPELINE_DEVICE`` says (``cpu``, ``cuda:1``)."""
    wanted = os.environ.get("PIPELINE_DEVICE")
    if wanted is None:
        cuda = torch.cuda.is_available()
        return torch.device("cuda", _own_gpu()) if cuda else torch.device("cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise UserError(f"PIPELINE_DEVICE is {wanted!r}: say cpu, cuda or cuda:0") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UserError(f"PIPELINE_DEVICE is {wanted!r}, but torch sees no CUDA device")
    return device


def _own_gpu() -> int:
    """A GPU of its own for each process of torchrun, and for stages that run at the same time."""
    if (rank := os.environ.get("LOCAL_RANK")) is not None:
        return int(rank)
    return int(os.environ.get("PIPELINE_SLOT", "0")) % torch.cuda.device_count()


def prepare(width: int) -> torch.device:
    """Pick the device and ask for deterministic kernels: two runs give the same bytes.

    Threads are chosen by the model's ``width`` and, of a wide one on the CPU, by what others keep
    busy, unless ``OMP_NUM_THREADS`` says (docs/decisions/0049).
    """
    device = pick()
    _choose_threads(width, device)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True)
    # PyTorch then also fills fresh memory with NaN, a debugging aid that costs a pass over it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device.type == "cuda":
        torch.cuda.set_device(device)
    return device


def _choose_threads(width: int, device: torch.device) -> None:
    wide = width > ONE_THREAD_WIDTH
    if wide and (device.type != "cpu" or "OMP_NUM_THREADS" in os.environ):
        return
    most = torch.get_num_threads()
    torch.set_num_threads(threads_for(width, most, busy_cores(most) if wide else 0.0))


def threads(device: torch.device) -> int | None:
    """The threads that results are computed on; None on a GPU, whose results they do not change."""
    return torch.get_num_threads() if device.type == "cpu" else None


def facts() -> dict[str, Any]:
    """What a cell is computed on: machine or GPU, threads, torch version."""
    device = pick()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    return {"device": name, "threads": torch.get_num_threads(), "torch": torch.__version__}


def processor(listed: Path = Path("/proc/cpuinfo")) -> str:
    """The kind of this machine's CPU, as Linux lists it; elsewhere what Python knows of it.

    Args:
        listed: the system's list of processors.
    """
    try:
        named = re.search(r"^model name\s*: *(\S.*?) *$", listed.read_text(), re.MULTILINE)
    except OSError:
        named = None
    return named[1] if named else platform.processor() or platform.machine()


@cache
def product_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a large matrix product on the device: what a model's speed is compared with.

    It is measured once a process.
    """
    size = _PRODUCT_SIZE[device.type]
    generator = torch.Generator(device).manual_seed(0)
    left, right = (
        torch.rand(size, size, device=device, generator=generator).to(dtype) for _ in range(2)
    )
    best = float("inf")
    for _ in range(_PRODUCT_REPEATS):
        start = time.perf_counter()
        # Reading one entry waits for the product.
        float((left @ right)[0, 0])
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best
