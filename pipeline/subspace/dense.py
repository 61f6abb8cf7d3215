"""Dense Gaussian projection (Li et al. 2018), its rows made anew from the seed in tiles."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from pipeline.subspace import counter
from pipeline.subspace.config import Normalisation
from pipeline.subspace.projection import Projection

_TILE_ENTRIES = 1 << 20


class DenseGaussian(Projection):
    """Independent standard normal entries; O(D·d) time, no D × d matrix is ever stored."""

    def __init__(self, d: int, size: int, *, seed: int, normalisation: Normalisation) -> None:
        super().__init__(d, size, normalisation)
        self._stream = counter.key(seed, "dense")

    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield Pθ; see `Projection.pieces`."""
        scaled = theta * self._scale(1)
        for start, tile in self._tiles(theta):
            yield start, tile @ scaled

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out``; see `Projection.adjoint`."""
        out.zero_()
        for start, tile in self._tiles(out):
            out.addmv_(tile.T, gradient[start : start + len(tile)].to(out.dtype))
        out.mul_(self._scale(1))

    def _tiles(self, like: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        rows = max(1, _TILE_ENTRIES // self.d)
        columns = torch.arange(self.d, device=like.device)
        for start in range(0, self.size, rows):
            row = torch.arange(start, min(start + rows, self.size), device=like.device)
            index = row.unsqueeze(1) * self.d + columns
            yield start, counter.normals(self._stream, index, like.dtype)
