"""The Walsh–Hadamard transform of a tile that lies in a program's registers."""

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
