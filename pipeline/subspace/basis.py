"""A learned basis as a linear map, with the contract that the random projections have."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from pipeline.subspace.projection import Projection

_TILE_ENTRIES = 1 << 20


class Basis(Projection):
    """P = Vᵀ for directions V that somebody computed; unit rows make unit columns of P.

    Args:
        directions: V (d, D), a direction a row, in any floating type; it is kept, not copied.
    """

    def __init__(self, directions: torch.Tensor) -> None:
        d, size = directions.shape
        super().__init__(d, size, "column")
        self._directions = directions

    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield Pθ; see `Projection.pieces`."""
        for start, tile in self._tiles(theta):
            yield start, theta @ tile

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out``; see `Projection.adjoint`."""
        out.zero_()
        for start, tile in self._tiles(out):
            out.addmv_(tile, gradient[start : start + tile.shape[1]].to(out.dtype))

    def _tiles(self, like: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        width = max(1, _TILE_ENTRIES // self.d)
        for start in range(0, self.size, width):
            yield start, self._directions[:, start : start + width].to(like)
