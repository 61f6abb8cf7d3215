"""The Walsh–Hadamard transform, and permutations, of a tile in a program's registers."""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def walsh_hadamard(x, ROWS: tl.constexpr, LENGTH: tl.constexpr):
    """Multiply (ROWS, LENGTH) by H along the last axis; LENGTH is a power of two."""
    half: tl.constexpr = LENGTH // 2
    if LENGTH > 1:
        halves = tl.reshape(_butterfly(x, ROWS, half), (2 * ROWS, half))
        x = tl.reshape(walsh_hadamard(halves, 2 * ROWS, half), (ROWS, LENGTH))
    return x


@triton.jit
def _butterfly(x, ROWS: tl.constexpr, HALF: tl.constexpr):
    """(a, b) → (a + b, a − b) for the two halves of each row."""
    pair = tl.reshape(x, (ROWS, 2, HALF))
    total = tl.expand_dims(tl.sum(pair, axis=1), 1)
    second = tl.arange(0, 2)[None, :, None] == 1
    return tl.reshape(tl.where(second, total - 2 * pair, total), (ROWS, 2 * HALF))


@triton.jit
def pick(rows, source, ROWS: tl.constexpr, LENGTH: tl.constexpr):
    """``rows[r, source[r, i]]``; ``source`` (uint32) may be one row for all.

    The tile is made flat first: Triton gathers inside a row that a single warp holds by shuffling
    all of it past every thread, and anything else through shared memory, which is much faster.
    """
    start = tl.arange(0, ROWS)[:, None] * LENGTH
    flat = tl.reshape(start + source.to(tl.int32), (ROWS * LENGTH,))
    return tl.reshape(tl.gather(tl.reshape(rows, (ROWS * LENGTH,)), flat, 0), (ROWS, LENGTH))
