"""Fastfood with a shared B as fused Triton kernels: no factor is ever stored.

The composition in torch (`pipeline.subspace.fastfood`) is the reference and what a CPU runs; the
kernels draw the same random bits and agree with it to rounding. Nothing imports Triton before a
kernel is needed.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

import torch

from pipeline.subspace.counter import Stream

if TYPE_CHECKING:
    from pipeline.subspace.kernels.launch import Fused

# Device type → the longest block that each kind of kernel takes. One program holds 2^14 entries in
# registers and 64 KiB of shared memory; two passes over tiles of that size serve up to 2^24.
LONGEST = {"cuda": {"block": 1 << 14, "passes": 1 << 24}}


class Draws(NamedTuple):
    """What G and the τ_k are drawn from: their streams, and whether G is normal or ±1."""

    order: Stream
    diagonal: Stream
    normal: bool


def fused(device: torch.device, *, n: int, size: int, draws: Draws) -> Fused | None:
    """The kernels for blocks of ``n`` on a device; None where the composition in torch serves."""
    kinds = LONGEST.get(device.type, {})
    kind = next((name for name, longest in kinds.items() if n <= longest), None)
    if kind is None or find_spec("triton") is None:
        return None
    from pipeline.subspace.kernels.launch import KINDS

    return KINDS[kind](device, n=n, size=size, draws=draws)
