"""Random signs, normal numbers and permutations as pure functions of (key, index).

A counter-based generator needs no state and no storage: any element can be had at any time, on any
device, with the same bits. Everything is integer arithmetic below 2^32 carried in int64, and normal
numbers are looked up among 65,536 equiprobable quantiles, so that no device's ``log`` or ``cos``
can make a difference. The quantiles are half-precision numbers: normals and signs can be kept in
two bytes without any loss.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import torch

from pipeline.common.seeds import derive

_MASK = 0xFFFFFFFF
_QUANTILES = 1 << 16
_ROUNDS = 6

Stream = tuple[int, int]


def key(seed: int, *names: str | int) -> Stream:
    """The two 32-bit words that key a stream."""
    value = derive(seed, *names)
    return value & _MASK, value >> 32


def bits(stream: Stream, index: torch.Tensor) -> torch.Tensor:
    """32 random bits for each index (int64, not negative), as int64 of the same shape."""
    high = _mix(((index >> 32) + stream[1]) & _MASK)
    mixed = _mix((index & _MASK) ^ stream[0])
    mixed = _mix(mixed ^ high)
    return _mix((mixed + stream[0]) & _MASK)


def signs(stream: Stream, index: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """±1 for each index."""
    return (1 - 2 * (bits(stream, index) >> 31)).to(dtype)


def normals(stream: Stream, index: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A standard normal number for each index, out of 65,536 quantiles of unit variance."""
    table = _quantiles().to(dtype=dtype, device=index.device)
    return torch.take(table, bits(stream, index) >> 16)


def below(stream: Stream, index: torch.Tensor, bound: torch.Tensor) -> torch.Tensor:
    """A whole number from 0 to ``bound`` − 1 for each index; bounds (int64) are below 2^31."""
    return bits(stream, index) * bound >> 32


def permutation(stream: Stream, n: int, device: torch.device) -> torch.Tensor:
    """A permutation of 0 … n − 1 (n a power of two): shape (n,), int64.

    Rounds of a keyed odd multiplication, a keyed addition and a xor-shift, each a bijection on
    log₂ n bits, so that an element can be computed without its neighbours.
    """
    width = n.bit_length() - 1
    value = torch.arange(n, device=device)
    if width == 0:
        return value
    shift = max(1, width // 2)
    for word in bits(stream, torch.arange(_ROUNDS)).tolist():
        value = (value * (2 * word + 1) + (word >> 7)) & (n - 1)
        value = value ^ (value >> shift)
    return value


def affine(stream: Stream, block: torch.Tensor, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Odd multipliers a and offsets c (blocks,), int64: i ↦ (a·i + c) mod n permutes 0 … n − 1.

    ``n`` is a power of two. A cheap permutation of its own for each block, to be followed by a
    common strong one (`permutation`), because alone it keeps the order of the lowest bits.
    """
    draws = bits(stream, 2 * block.unsqueeze(1) + torch.arange(2, device=block.device)) & (n - 1)
    return draws[:, 0] | 1, draws[:, 1]


@lru_cache(maxsize=8)
def lower_quantiles(device: torch.device) -> torch.Tensor:
    """The lower half of the table of `normals`, (32768,) float16; the upper is its mirror image."""
    return _quantiles()[: _QUANTILES // 2].to(device)


def _mix(value: torch.Tensor) -> torch.Tensor:
    """A bijection of 32-bit words in which every input bit flips each output bit half the time."""
    value = value ^ (value >> 16)
    value = value.mul_(0x21F0AAAD).bitwise_and_(_MASK)
    value = value ^ (value >> 15)
    value = value.mul_(0x735A2D97).bitwise_and_(_MASK)
    return value ^ (value >> 15)


@lru_cache(maxsize=1)
def _quantiles() -> torch.Tensor:
    normal = NormalDist()
    half = [normal.inv_cdf((rank + 0.5) / _QUANTILES) for rank in range(_QUANTILES // 2)]
    table = torch.tensor(half + [-value for value in reversed(half)], dtype=torch.float64)
    return (table / math.sqrt(table.square().mean())).half()
