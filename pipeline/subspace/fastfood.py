"""Fastfood (A21 eq. 2) in its blocked form: M = H G Π H B, one G and Π a block (Le et al. 2013).

Legend: n = 2^⌈log₂ d⌉ the block length, K = ⌈D/n⌉ blocks, c blocks a chunk. B is shared by all
blocks, so that HBθ is computed once; this loses no orthogonality (METHOD §1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch

from pipeline.subspace import counter
from pipeline.subspace.hadamard import walsh_hadamard
from pipeline.subspace.projection import Normalisation, Projection

Gaussian = Literal["normal", "rademacher"]

# Chunks of about this many entries stay in a CPU's cache through a transform.
_CHUNK_ENTRIES = 1 << 18
# The factors are kept when they are at most this large, and made anew at each use otherwise.
_CACHE_BYTES = 256 << 20


class Fastfood(Projection):
    """P = s · (first D rows of the stacked blocks H G_k Π_k H B), restricted to d columns.

    An entry of a block is a sum of n independent terms ±G_k, so its variance is n; s normalises it.
    O(D log d) time. Π_k and G_k are functions of (seed, k) and are cached only when small.
    """

    def __init__(
        self,
        d: int,
        size: int,
        seed: int,
        normalisation: Normalisation,
        gaussian: Gaussian = "normal",
    ) -> None:
        super().__init__(d, size, normalisation)
        self._n = 1 << (d - 1).bit_length()
        self._blocks = -(-size // self._n)
        self._draw = {"normal": counter.normals, "rademacher": counter.signs}[gaussian]
        self._streams = {name: counter.key(seed, "fastfood", name) for name in ("B", "G", "Π")}
        self._cache: dict[tuple[int, torch.dtype], tuple[torch.Tensor, torch.Tensor]] = {}

    def forward(self, theta: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pθ into ``out``; see `Projection.forward`."""
        mixed = self._mix(theta)
        for start, order, diagonal in self._chunks(theta):
            block = walsh_hadamard(mixed[order].mul_(diagonal)).reshape(-1)
            target = out[start : start + block.numel()]
            target.copy_(block[: target.numel()])

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out``; see `Projection.adjoint`."""
        total = gradient.new_zeros(self._n)
        for start, order, diagonal in self._chunks(gradient):
            part = gradient[start : start + order.numel()]
            block = gradient.new_zeros(order.shape)
            block.view(-1)[: part.numel()] = part
            block = walsh_hadamard(block).mul_(diagonal)
            total += torch.zeros_like(block).scatter_(1, order, block).sum(0)
        back = walsh_hadamard(total.unsqueeze(0)).squeeze(0)[: self.d]
        out.copy_(back * self._signs(gradient) * self._scale(self._n))

    def _mix(self, theta: torch.Tensor) -> torch.Tensor:
        """S · HBθ, the part that all blocks share: (n,)."""
        padded = theta.new_zeros(1, self._n)
        padded[0, : self.d] = theta * self._signs(theta) * self._scale(self._n)
        return walsh_hadamard(padded).squeeze(0)

    def _signs(self, like: torch.Tensor) -> torch.Tensor:
        index = torch.arange(self.d, device=like.device)
        return counter.signs(self._streams["B"], index, like.dtype)

    def _chunks(self, like: torch.Tensor) -> Iterator[tuple[int, torch.Tensor, torch.Tensor]]:
        """Yield the first entry, Π (c, n) and G (c, n) of each chunk of blocks."""
        width = max(1, _CHUNK_ENTRIES // self._n)
        entry_bytes = 8 + like.element_size()
        cached = self._blocks * self._n * entry_bytes <= _CACHE_BYTES
        for first in range(0, self._blocks, width):
            place = (first, like.dtype)
            factors = self._cache.get(place) or self._factors(first, width, like)
            if cached:
                self._cache[place] = factors
            yield first * self._n, *factors

    def _factors(
        self, first: int, width: int, like: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        blocks = torch.arange(first, min(first + width, self._blocks), device=like.device)
        order = counter.permutation(self._streams["Π"], blocks, self._n)
        index = blocks.unsqueeze(1) * self._n + torch.arange(self._n, device=like.device)
        return order, self._draw(self._streams["G"], index, like.dtype)
