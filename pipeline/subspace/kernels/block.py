"""Fastfood in one pass, for blocks that fit in a program's registers and shared memory.

Legend: n the block length, R blocks a tile; σHBθ (n,) is ``inner``; τ_k(i) = a_k·i + c_k mod n.
"""

from __future__ import annotations

import triton
import triton.language as tl

from pipeline.subspace.kernels.draws import affine, diagonal, inverse
from pipeline.subspace.kernels.layers_in_tile import scale_of, scales_of, write_moved, write_shares
from pipeline.subspace.kernels.transform import pick, walsh_hadamard


@triton.jit
def displace(
    origin, inner, out, size,
    order_key, diagonal_key, quantiles,
    first, stop, starts, owners, scales,
    NORMAL: tl.constexpr, ROWS: tl.constexpr, LENGTH: tl.constexpr,
):  # fmt: skip
    """Write θ₀ + λ·Pθ; a program a tile."""
    tile = tl.program_id(0)
    column = tl.arange(0, LENGTH)
    block = tile * ROWS + tl.arange(0, ROWS)
    begin = block.to(tl.int64)[:, None] * LENGTH
    place = begin + column[None, :]
    row = tl.load(inner + column)
    random = diagonal(begin, column.to(tl.uint32)[None, :], diagonal_key, quantiles, NORMAL)
    move = walsh_hadamard(_spread(row, block, order_key, ROWS, LENGTH) * random, ROWS, LENGTH)
    factor = scales_of(place, tl.load(first + tile), tl.load(stop + tile), starts, owners, scales)
    write_moved(origin, out, place, size, factor, move)


@triton.jit
def pull_back(
    gradient, inner, totals, shares, size, tiles,
    order_key, diagonal_key, quantiles,
    first, stop, offsets, starts, owners, scales,
    NORMAL: tl.constexpr, ROWS: tl.constexpr, LENGTH: tl.constexpr,
):  # fmt: skip
    """Sum what a program's tiles give to the adjoint of ``inner``, and each run's ⟨g, Pθ⟩.

    Within one layer ⟨g, Pθ⟩ is ⟨Pᵀg, θ⟩, which is at hand; where layers meet, Pθ is made once more.
    """
    column = tl.arange(0, LENGTH)
    entry = column.to(tl.uint32)[None, :]
    target = totals + tl.program_id(0) * LENGTH + column
    # A long block fills the registers, so what outlives a tile stays in memory.
    tl.store(target, tl.zeros((LENGTH,), totals.dtype.element_ty))
    for tile in range(tl.program_id(0), tiles, tl.num_programs(0)):
        begun, ended = tl.load(first + tile), tl.load(stop + tile)
        place_of_shares = shares + tl.load(offsets + tile)
        block = tile * ROWS + tl.arange(0, ROWS)
        begin = block.to(tl.int64)[:, None] * LENGTH
        place = begin + column[None, :]
        part = tl.load(gradient + place, mask=place < size, other=0.0).to(inner.dtype.element_ty)
        after = scale_of(begun, owners, scales)
        if ended - begun > 1:
            row = tl.load(inner + column)
            random = diagonal(begin, entry, diagonal_key, quantiles, NORMAL)
            mixed = _spread(row, block, order_key, ROWS, LENGTH) * random
            image = walsh_hadamard(mixed, ROWS, LENGTH)
            write_shares(part * image, place, begun, ended, starts, place_of_shares)
            part = part * scales_of(place, begun, ended, starts, owners, scales)
            after = after - after + 1
        back = walsh_hadamard(part, ROWS, LENGTH)
        back *= diagonal(begin, entry, diagonal_key, quantiles, NORMAL)
        back = tl.sum(_collect(back, block, order_key, ROWS, LENGTH), axis=0)
        if ended - begun == 1:
            tl.store(place_of_shares, tl.sum(back * tl.load(inner + column)))
        # Another thread may read an entry of ``target`` than wrote it.
        tl.debug_barrier()
        tl.store(target, tl.load(target) + after * back)


@triton.jit
def _spread(row, block, key, ROWS: tl.constexpr, LENGTH: tl.constexpr):
    """``row[τ_k(i)]`` for each block k of a tile: (ROWS, LENGTH)."""
    factor, offset = affine(block, key, LENGTH)
    index = tl.arange(0, LENGTH).to(tl.uint32)[None, :]
    source = (factor[:, None] * index + offset[:, None]) & (LENGTH - 1)
    flat = tl.reshape(source.to(tl.int32), (ROWS * LENGTH,))
    return tl.reshape(tl.gather(row, flat, 0), (ROWS, LENGTH))


@triton.jit
def _collect(rows, block, key, ROWS: tl.constexpr, LENGTH: tl.constexpr):
    """The adjoint of `_spread` before its sum over blocks: entry τ_k(i) gets ``rows[k, i]``."""
    factor, offset = affine(block, key, LENGTH)
    index = tl.arange(0, LENGTH).to(tl.uint32)[None, :]
    source = (inverse(factor)[:, None] * (index - offset[:, None])) & (LENGTH - 1)
    return pick(rows, source, ROWS, LENGTH)
