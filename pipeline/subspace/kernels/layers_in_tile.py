"""Layers inside a tile of neighbouring entries of θ^D, and sums over them in a fixed order.

A tile is cut by the runs ``first[t]`` … ``stop[t]`` − 1 (`pipeline.subspace.layers`); a run begins
at ``starts[r]`` and belongs to ``owners[r]``. Each (tile, run) pair has a place of its own, from
``offsets[t]`` on, where the tile's share of ⟨g_i, (Pθ)_i⟩ is written; `add_up` sums the places.
"""

from __future__ import annotations

import triton
import triton.language as tl


@triton.jit
def scale_of(run, owners, scales):
    """λ of a run."""
    return tl.load(scales + tl.load(owners + run))


@triton.jit
def scales_of(place, first, stop, starts, owners, scales):
    """λ for each place of a tile."""
    found = tl.zeros_like(place).to(scales.dtype.element_ty) + scale_of(first, owners, scales)
    for run in range(first + 1, stop):
        found = tl.where(place >= tl.load(starts + run), scale_of(run, owners, scales), found)
    return found


@triton.jit
def write_shares(products, place, first, stop, starts, shares):
    """Write the sum of ``products`` over each run of a tile."""
    for run in range(first, stop):
        inside = (place >= tl.load(starts + run)) & (place < tl.load(starts + run + 1))
        tl.store(shares + run - first, tl.sum(tl.where(inside, products, 0.0)))


@triton.jit
def write_moved(origin, out, place, size, factor, move):
    """Write θ₀ + λ·``move`` at each place of a tile: formed in ``move``'s dtype, rounded once."""
    inside = place < size
    held = tl.load(origin + place, mask=inside, other=0.0)
    base = held.to(move.dtype)
    # θ₀ + 0 would turn a weight of −0 into +0.
    moved = tl.where(move == 0, base, base + factor * move)
    tl.store(out + place, moved.to(held.dtype), mask=inside)


@triton.jit
def add_up(shares, owners, count, out, WIDTH: tl.constexpr):
    """``out[i]`` is the sum of the shares that belong to layer i; a program a layer."""
    layer = tl.program_id(0)
    column = tl.arange(0, WIDTH)
    total = tl.zeros((WIDTH,), out.dtype.element_ty)
    for start in range(0, count, WIDTH):
        at = start + column
        mine = tl.load(owners + at, mask=at < count, other=-1) == layer
        total += tl.load(shares + at, mask=mine, other=0.0)
    tl.store(out + layer, tl.sum(total))
