"""Many short blocks with one B: each block's row is a window of a table.

Legend as in `pipeline.subspace.permuted_hadamard`. With τ_k(i) = (a·i + c) mod n
= a·(i + s) mod n, s = c / a mod n, the row of block k is the sequence inner[a·0], inner[a·1], …,
which repeats after n entries, read from its s-th entry on. There are n/2 such sequences,
one an odd a. Where blocks are many more than these, making all of them once
and copying whole windows is several times faster than computing and following an index for each
entry of θ^D.
"""

from __future__ import annotations

import torch

from pipeline.subspace.permuted_hadamard import (
    Collector,
    Orders,
    OwnSigns,
    PermutedHadamard,
    SharedSigns,
)

# The table has n² entries: at most 16 MB, and a small part of the work for this many blocks.
_BLOCK_LENGTHS = range(64, 2049)
_BLOCKS_PER_ENTRY = 8


def permuted_hadamard(
    d: int, n: int, *, seed: int, blocks: int, share_signs: bool
) -> PermutedHadamard:
    """The first half of a Fastfood with so many ``blocks`` of n."""
    if not share_signs:
        return OwnSigns(d, n, seed)
    many = n in _BLOCK_LENGTHS and blocks >= _BLOCKS_PER_ENTRY * n
    return (TabulatedSigns if many else SharedSigns)(d, n, seed)


class TabulatedSigns(SharedSigns):
    """One B, rows as windows: the same numbers as `SharedSigns`."""

    def orders(self, blocks: torch.Tensor) -> Orders:
        """Which sequence each block reads, (a − 1) / 2, and its s."""
        factor, offset = super().orders(blocks)
        # Newton's iteration in whole numbers: three bits are right, and twice as many each round.
        inverse = factor.clone()
        for _ in range(3):
            inverse = inverse * (2 - factor * inverse) & (self._n - 1)
        return factor >> 1, inverse * offset & (self._n - 1)

    def source(self, inner: torch.Tensor) -> torch.Tensor:
        """All windows of all sequences as a view (n² − n + 1, n) of n² numbers."""
        index = torch.arange(2 * self._n, device=inner.device)
        odd = index[1 : self._n : 2].unsqueeze(1)
        return inner[odd * index & (self._n - 1)].view(-1).unfold(0, self._n, 1)

    def rows(self, source: torch.Tensor, blocks: torch.Tensor, orders: Orders) -> torch.Tensor:
        """See `PermutedHadamard.rows`."""
        sequence, start = orders
        return source.index_select(0, (sequence * (2 * self._n) + start).view(-1))

    def collector(self, inner: torch.Tensor) -> Collector:
        """See `PermutedHadamard.collector`."""
        return _Sequences(self._n, inner)


class _Sequences(Collector):
    """Rows are rotated and summed by sequence; the sums are brought into the common order last."""

    def __init__(self, n: int, like: torch.Tensor) -> None:
        self._n = n
        self._sums = like.new_zeros(n // 2, n)
        index = torch.arange(n, device=like.device)
        self._places = (index[1::2].unsqueeze(1) * index & (n - 1)).view(-1)

    def add(self, rows: torch.Tensor, blocks: torch.Tensor, orders: Orders) -> None:
        """See `Collector.add`."""
        sequence, start = orders
        twice = torch.cat((rows, rows), 1).view(-1).unfold(0, self._n, 1)
        first = torch.arange(0, 2 * rows.numel(), 2 * self._n, device=rows.device)
        rotated = twice.index_select(0, first + (-start.view(-1) & (self._n - 1)))
        self._sums.index_add_(0, sequence.view(-1), rotated)

    def take(self) -> torch.Tensor:
        """See `Collector.take`."""
        total = self._sums.new_zeros(self._n)
        total.scatter_add_(0, self._places, self._sums.view(-1))
        self._sums.zero_()
        return total
