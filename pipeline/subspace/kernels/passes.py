"""Fastfood in a few passes, for blocks too long for one program.

A block's entry is i = i₁·n₂ + i₂ and H_n = H_{n₁} ⊗ H_{n₂}: one pass transforms along i₁, the
other along i₂. τ_k(i) = a·i + c mod n splits the same way. With q = a·i₂ + c mod n₂, a permutation
of the columns, τ_k(i) lies in column q and in row a·i₁ + e mod n₁, where e is (a·i₂ + c) div n₂.
So the work array between the passes keeps its columns in the order of q: then memory is read and
written in runs of neighbours, and both permutations happen inside a program.

Legend: n = n₁·n₂ the block length (n₁ is HIGH, n₂ LOW); ``work`` is (K, n₁, n₂), for K blocks from
block ``begun`` on.
"""

from __future__ import annotations

import triton
import triton.language as tl

from pipeline.subspace.kernels.draws import affine, diagonal, inverse
from pipeline.subspace.kernels.layers_in_tile import scale_of, scales_of, write_moved, write_shares
from pipeline.subspace.kernels.transform import pick, walsh_hadamard


@triton.jit
def mix_columns(
    inner, work, begun, order_key, diagonal_key, quantiles,
    NORMAL: tl.constexpr, COLUMNS: tl.constexpr, HIGH: tl.constexpr, LOW: tl.constexpr,
):  # fmt: skip
    """``work`` = (H_{n₁} ⊗ 1) G τ inner; a program a block and COLUMNS of its columns."""
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    row = tl.arange(0, HIGH)
    factor, shift, random = _columns(
        begun + tl.program_id(1), column, order_key, diagonal_key, quantiles, NORMAL, HIGH, LOW
    )
    held = tl.load(inner + row[None, :] * LOW + column[:, None])
    source = (factor * row.to(tl.uint32)[None, :] + shift[:, None]) & (HIGH - 1)
    mixed = walsh_hadamard(pick(held, source, COLUMNS, HIGH) * random, COLUMNS, HIGH)
    start = tl.program_id(1).to(tl.int64) * HIGH * LOW
    tl.store(work + start + row[None, :] * LOW + column[:, None], mixed)


@triton.jit
def collect_columns(
    work, totals, begun, count, order_key, diagonal_key, quantiles,
    NORMAL: tl.constexpr, COLUMNS: tl.constexpr, HIGH: tl.constexpr, LOW: tl.constexpr,
):  # fmt: skip
    """The adjoint of `mix_columns`, added to one of several ``totals`` (parts, n) in turn."""
    column = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    row = tl.arange(0, HIGH)
    place = row[None, :] * LOW + column[:, None]
    target = totals + tl.program_id(1).to(tl.int64) * HIGH * LOW + place
    total = tl.load(target)
    for index in range(tl.program_id(1), count, tl.num_programs(1)):
        factor, shift, random = _columns(
            begun + index, column, order_key, diagonal_key, quantiles, NORMAL, HIGH, LOW
        )
        start = index * tl.full((), HIGH * LOW, tl.int64)
        back = walsh_hadamard(tl.load(work + start + place), COLUMNS, HIGH) * random
        source = (inverse(factor) * (row.to(tl.uint32)[None, :] - shift[:, None])) & (HIGH - 1)
        total += pick(back, source, COLUMNS, HIGH)
    tl.store(target, total)


@triton.jit
def displace_rows(
    origin, work, out, size, begun, order_key,
    first, stop, starts, owners, scales,
    ROWS: tl.constexpr, HIGH: tl.constexpr, LOW: tl.constexpr,
):  # fmt: skip
    """Write θ₀ + λ·(1 ⊗ H_{n₂}) work; a program a block and ROWS of its rows."""
    place, at, tile = _rows(begun, ROWS, HIGH, LOW)
    source = _order(begun + tl.program_id(1), order_key, HIGH, LOW)
    mixed = pick(tl.load(work + at), source[None, :], ROWS, LOW)
    move = walsh_hadamard(mixed, ROWS, LOW)
    factor = scales_of(place, tl.load(first + tile), tl.load(stop + tile), starts, owners, scales)
    write_moved(origin, out, place, size, factor, move)


@triton.jit
def pull_rows(
    gradient, work, shares, size, begun, order_key,
    first, stop, offsets, starts, owners, scales,
    ROWS: tl.constexpr, HIGH: tl.constexpr, LOW: tl.constexpr,
):  # fmt: skip
    """The adjoint of `displace_rows` into ``work``, which holds what `mix_columns` left there.

    Each run's ⟨g, Pθ⟩ is written on the way: within one layer it is ⟨(1 ⊗ H_{n₂}) g, work⟩.
    """
    place, at, tile = _rows(begun, ROWS, HIGH, LOW)
    started, ended = tl.load(first + tile), tl.load(stop + tile)
    place_of_shares = shares + tl.load(offsets + tile)
    factor, offset = affine(begun + tl.program_id(1), order_key, HIGH * LOW)
    mixed = tl.load(work + at)
    part = tl.load(gradient + place, mask=place < size, other=0.0).to(mixed.dtype)
    after = scale_of(started, owners, scales)
    if ended - started > 1:
        source = _order(begun + tl.program_id(1), order_key, HIGH, LOW)
        image = walsh_hadamard(pick(mixed, source[None, :], ROWS, LOW), ROWS, LOW)
        write_shares(part * image, place, started, ended, starts, place_of_shares)
        part = part * scales_of(place, started, ended, starts, owners, scales)
        after = after - after + 1
    column = tl.arange(0, LOW).to(tl.uint32)
    source = (inverse(factor) * (column - offset)) & (LOW - 1)
    back = pick(walsh_hadamard(part, ROWS, LOW), source[None, :], ROWS, LOW)
    if ended - started == 1:
        tl.store(place_of_shares, tl.sum(back * mixed))
    tl.store(work + at, after * back)


@triton.jit
def _columns(
    block, column, order_key, diagonal_key, quantiles,
    NORMAL: tl.constexpr, HIGH: tl.constexpr, LOW: tl.constexpr,
):  # fmt: skip
    """A block's multiplier a, and for columns q: e (COLUMNS,) and G (COLUMNS, n₁)."""
    factor, offset = affine(block, order_key, HIGH * LOW)
    origin = (inverse(factor) * (column.to(tl.uint32) - offset)) & (LOW - 1)
    shift = (factor * origin + offset) // LOW
    index = tl.arange(0, HIGH).to(tl.uint32)[None, :] * LOW + origin[:, None]
    start = block.to(tl.int64) * HIGH * LOW
    return factor, shift, diagonal(start, index, diagonal_key, quantiles, NORMAL)


@triton.jit
def _order(block, order_key, HIGH: tl.constexpr, LOW: tl.constexpr):
    """Q for each i₂ of a block: (LOW,)."""
    factor, offset = affine(block, order_key, HIGH * LOW)
    return (factor * tl.arange(0, LOW).to(tl.uint32) + offset) & (LOW - 1)


@triton.jit
def _rows(begun, ROWS: tl.constexpr, HIGH: tl.constexpr, LOW: tl.constexpr):
    """A program's places in θ^D and in ``work`` (ROWS, LOW), and its tile's number."""
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    within = row[:, None] * LOW + tl.arange(0, LOW)[None, :]
    block = (begun + tl.program_id(1)).to(tl.int64)
    place = block * HIGH * LOW + within
    at = tl.program_id(1).to(tl.int64) * HIGH * LOW + within
    return place, at, block * (HIGH // ROWS) + tl.program_id(0)
