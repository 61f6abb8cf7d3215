"""A kernel that shows what the kernels draw; imported where Triton is there."""

from __future__ import annotations

import triton
import triton.language as tl

from pipeline.subspace.kernels.draws import diagonal

LENGTH = 512


@triton.jit
def draw(start, key, quantiles, out, NORMAL: tl.constexpr, LENGTH: tl.constexpr):
    index = tl.arange(0, LENGTH)
    value = diagonal(tl.load(start), index.to(tl.uint32), key, quantiles, NORMAL)
    tl.store(out + index, value)
