"""Random signs, normal numbers and permutations as pure functions of (key, index).

A counter-based generator needs no state and no storage: any element can be had at any time, on any
device, with the same bits. Everything is integer arithmetic below 2^32 carried in int64, and normal
numbers are looked up among 65,536 equiprobable quantiles, so that no device's ``log`` or ``cos``
can make a difference.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

import torch

from pipeline.seeds import derive

_MASK = 0xFFFFFFFF
_QUANTILES = 1 << 16
_ROUNDS = 6


def key(seed: int, *names: str | int) -> tuple[int, int]:
    """The two 32-bit words that key a stream."""
    value = derive(seed, *names)
    return value & _MASK, value >> 32


def bits(stream: tuple[int, int], index: torch.Tensor) -> torch.Tensor:
    """32 random bits for each index (int64, below 2^48), as int64 of the same shape."""
    low, high = index & _MASK, index >> 32
    mixed = _mix(low ^ stream[0])
    mixed = _mix(mixed ^ _mix((high + stream[1]) & _MASK))
    return _mix((mixed + stream[0]) & _MASK)


def signs(stream: tuple[int, int], index: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """±1 for each index."""
    return (1 - 2 * (bits(stream, index) >> 31)).to(dtype)


def normals(stream: tuple[int, int], index: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """A standard normal number for each index, out of 65,536 quantiles of unit variance."""
    table = _quantiles().to(dtype=dtype, device=index.device)
    return table[bits(stream, index) >> 16]


def permutation(stream: tuple[int, int], block: torch.Tensor, n: int) -> torch.Tensor:
    """One permutation of 0 … n − 1 for each block (n a power of two): shape (blocks, n), int64.

    Rounds of a keyed odd multiplication, a keyed addition and a xor-shift, each a bijection on
    log₂ n bits, so that an element can be computed without its neighbours.
    """
    width = n.bit_length() - 1
    value = torch.arange(n, device=block.device).expand(len(block), n).clone()
    if width == 0:
        return value
    shift = max(1, width // 2)
    for turn in range(_ROUNDS):
        keys = bits(stream, block * _ROUNDS + turn).unsqueeze(1)
        value = (value * (2 * keys + 1) + (keys >> 7)) & (n - 1)
        value = value ^ (value >> shift)
    return value


def _mix(value: torch.Tensor | int) -> torch.Tensor:
    """A bijection of 32-bit words in which every input bit flips each output bit half the time."""
    value = value ^ (value >> 16)
    value = (value * 0x21F0AAAD) & _MASK
    value = value ^ (value >> 15)
    value = (value * 0x735A2D97) & _MASK
    return value ^ (value >> 15)  # type: ignore[return-value]


@lru_cache(maxsize=1)
def _quantiles() -> torch.Tensor:
    normal = NormalDist()
    half = [normal.inv_cdf((rank + 0.5) / _QUANTILES) for rank in range(_QUANTILES // 2)]
    table = torch.tensor(half + [-value for value in reversed(half)], dtype=torch.float64)
    return table / table.square().mean().sqrt()
