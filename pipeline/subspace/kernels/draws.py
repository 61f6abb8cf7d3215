"""`pipeline.subspace.counter` in Triton: the same bits from the same (key, index).

Words are uint32 and wrap around, which is what the reference's masks do. Every key is two words.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def _mix(value):
    value = value ^ (value >> 16)
    value = value * 0x21F0AAAD
    value = value ^ (value >> 15)
    value = value * 0x735A2D97
    return value ^ (value >> 15)


@triton.jit
def bits(low, high, key):
    """32 random bits for the index ``high`` · 2³² + ``low`` (uint32)."""
    first = tl.load(key).to(tl.uint32)
    second = tl.load(key + 1).to(tl.uint32)
    mixed = _mix(low ^ first)
    mixed = _mix(mixed ^ _mix(high + second))
    return _mix(mixed + first)


@triton.jit
def diagonal(start, offset, key, quantiles, NORMAL: tl.constexpr):
    """G at the indices ``start`` + ``offset``; no sum of the two crosses a multiple of 2³².

    ``start`` is int64 and broadcasts against ``offset`` (uint32). ``quantiles`` is the lower half
    of the table of normal numbers, whose upper half is its mirror image.
    """
    low = (start & 0xFFFFFFFF).to(tl.uint32) + offset
    word = bits(low, (start >> 32).to(tl.uint32), key)
    if NORMAL:
        rank = (word >> 16).to(tl.int32)
        value = tl.load(quantiles + tl.minimum(rank, 65535 - rank)).to(tl.float32)
        return tl.where(rank < 32768, value, -value)
    else:
        return 1.0 - 2.0 * (word >> 31).to(tl.float32)


@triton.jit
def affine(block, key, LENGTH: tl.constexpr):
    """Odd multiplier and offset (uint32) of the permutation of a block's own; LENGTH is n."""
    even = 2 * block.to(tl.uint32)
    zero = even - even
    factor = (bits(even, zero, key) & (LENGTH - 1)) | 1
    return factor, bits(even + 1, zero, key) & (LENGTH - 1)


@triton.jit
def inverse(factor):
    """The inverse of an odd number modulo 2³² (Newton; it doubles the 3 bits that x = x⁻¹ has)."""
    found = factor
    for _ in tl.static_range(4):
        found = found * (2 - factor * found)
    return found
