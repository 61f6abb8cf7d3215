"""Sparse random projection (Li et al. 2018): about one entry in √D is not zero, and is ±1.

Li et al. draw each entry by itself (Li, Hastie and Church 2006). Here a column is cut into
q = round(√D) strata of nearly equal length, and each stratum gets one ±1 at a place drawn from it:
the same density, every column exactly as heavy as the others, never empty, and nothing to store.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from pipeline.subspace import counter
from pipeline.subspace.config import Normalisation
from pipeline.subspace.projection import Projection

_TILE_ENTRIES = 1 << 20


class SparseSigns(Projection):
    """q = round(√D) entries ±1 in each column, at rows and signs that are functions of the seed.

    An entry has variance q/D before scaling, so ``column`` normalisation gives columns of exactly
    unit length. O(d·√D) time.
    """

    def __init__(self, d: int, size: int, *, seed: int, normalisation: Normalisation) -> None:
        super().__init__(d, size, normalisation)
        self._strata = round(math.sqrt(size))
        self._factor = self._scale(self._strata / size)
        self._streams = {name: counter.key(seed, "sparse", name) for name in ("row", "sign")}

    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield Pθ; see `Projection.pieces`."""
        scaled = theta * self._factor
        for start, stop, rows, signs in self._tiles(theta):
            piece = theta.new_zeros(stop - start)
            yield start, piece.index_add_(0, rows.view(-1), (signs * scaled).view(-1))

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out``; see `Projection.adjoint`."""
        out.zero_()
        for start, stop, rows, signs in self._tiles(out):
            part = gradient[start:stop].to(out.dtype)
            out += torch.take(part, rows).mul_(signs).sum(0)
        out.mul_(self._factor)

    def _tiles(self, like: torch.Tensor) -> Iterator[tuple[int, int, torch.Tensor, torch.Tensor]]:
        """Yield first row, last row + 1, and each ±1's row from the first and sign (strata, d)."""
        columns = torch.arange(self.d, device=like.device)
        height = max(1, _TILE_ENTRIES // self.d)
        for first in range(0, self._strata, height):
            last = min(first + height, self._strata)
            stratum = torch.arange(first, last + 1, device=like.device)
            edges = stratum * self.size // self._strata
            index = stratum[:-1].unsqueeze(1) * self.d + columns
            widths = edges.diff().unsqueeze(1)
            start, stop = int(edges[0]), int(edges[-1])
            rows = counter.below(self._streams["row"], index, widths)
            rows += edges[:-1].unsqueeze(1) - start
            yield start, stop, rows, counter.signs(self._streams["sign"], index, like.dtype)
