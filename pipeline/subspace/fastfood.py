"""Fastfood (A21 eq. 2) in its blocked form: M = H G Π H B, one G and Π a block (Le et al. 2013).

Legend: n = 2^⌈log₂ d⌉ the block length, K = ⌈D/n⌉ blocks, c blocks a chunk, τ_k what Π_k has of its
own (`pipeline.subspace.permuted_hadamard`). H is not normalised.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from pipeline.subspace import counter
from pipeline.subspace.config import Gaussian, Normalisation
from pipeline.subspace.hadamard import walsh_hadamard
from pipeline.subspace.kernels import Draws, fused
from pipeline.subspace.layers import LayerScales
from pipeline.subspace.permutation_table import permuted_hadamard
from pipeline.subspace.permuted_hadamard import Collector, Orders
from pipeline.subspace.projection import Projection

if TYPE_CHECKING:
    from pipeline.subspace.kernels.launch import Fused

# Chunks of about this many entries stay in a CPU's cache through a transform.
_CHUNK_ENTRIES = 1 << 18
_Factors = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
_DRAWS = {"normal": counter.normals, "rademacher": counter.signs}


@dataclass(frozen=True)
class _Chunk:
    """Neighbouring blocks: their numbers (c,), their entries of θ^D, their τ_k and G_k (c, n)."""

    blocks: torch.Tensor
    start: int
    stop: int
    orders: Orders
    diagonal: torch.Tensor


class Fastfood(Projection):
    """P = s · (first D rows of the stacked blocks H G_k Π_k H B_k), restricted to d columns.

    An entry of a block is a sum of n independent terms ±G_k, so its variance is n; s normalises it.
    O(D log d) time. All factors are functions of (seed, block, index). On a CPU, G is kept in two
    bytes an entry once it was made, and what makes τ_k; nothing else of the size of D is stored.

    Args:
        d: columns, the numbers that are trained.
        size: D, rows.
        seed: what B, G and Π are drawn from.
        normalisation: see `Projection`.
        gaussian: G normal, or ±1, which makes P isometric up to the truncation of the last block.
        share_signs: one B for all blocks, so that HBθ is computed once; this loses no orthogonality
            (method §1). Otherwise a B for each block.
        whole: one block that is as long as θ^D, n = 2^⌈log₂ D⌉, instead of many as long as θ^d.
    """

    def __init__(
        self,
        d: int,
        size: int,
        *,
        seed: int,
        normalisation: Normalisation,
        gaussian: Gaussian = "normal",
        share_signs: bool = True,
        whole: bool = False,
    ) -> None:
        super().__init__(d, size, normalisation)
        self._n = 1 << ((size if whole else d) - 1).bit_length()
        self._blocks = -(-size // self._n)
        self._draw = _DRAWS[gaussian]
        self._stream = counter.key(seed, "fastfood", "G")
        self._permuted = permuted_hadamard(
            d, self._n, seed=seed, blocks=self._blocks, share_signs=share_signs
        )
        self._kept: dict[int, _Factors] = {}
        self._store: _Factors | None = None
        self._draws = Draws(self._permuted.permutation_stream, self._stream, gaussian == "normal")
        self._shared = share_signs
        self._fused: dict[torch.device, Fused | None] = {}

    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield Pθ; see `Projection.pieces`."""
        source = self._permuted.source(self._permuted.begin(theta * self._scale(self._n)))
        for chunk in self._chunks(theta.device):
            yield chunk.start, self._image(source, chunk)

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out``; see `Projection.adjoint`."""
        collector = self._permuted.collector(out.new_empty(self._permuted.width))
        for chunk in self._chunks(out.device):
            self._collect(gradient[chunk.start : chunk.stop].to(out.dtype), chunk, collector)
        out.copy_(self._permuted.end(collector.take()).mul_(self._scale(self._n)))

    def displace(
        self,
        origin: torch.Tensor,
        theta: torch.Tensor,
        scales: LayerScales,
        out: torch.Tensor,
    ) -> None:
        """See `Projection.displace`."""
        kernels = self._kernels(theta.device)
        if kernels is None:
            super().displace(origin, theta, scales, out)
            return
        inner = self._permuted.begin(theta * self._scale(self._n))
        kernels.displace(origin, inner, scales, out)

    def pull_back(
        self,
        gradient: torch.Tensor,
        theta: torch.Tensor,
        scales: LayerScales,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Projection.pull_back`; the gradient is left as it is.

        Within one layer ⟨g, Pθ⟩ is ⟨Pᵀg, θ⟩, which the adjoint has at hand. Only chunks in which
        layers meet need Pθ once more.
        """
        by_scale = torch.zeros_like(scales.values)
        inner = self._permuted.begin(theta * self._scale(self._n))
        kernels = self._kernels(theta.device)
        if kernels is None:
            total = self._by_layer(gradient, inner, scales, by_scale)
        else:
            total = kernels.pull_back(gradient, inner, scales, by_scale)
        return self._permuted.end(total).mul_(self._scale(self._n)), by_scale

    def _by_layer(
        self,
        gradient: torch.Tensor,
        inner: torch.Tensor,
        scales: LayerScales,
        by_scale: torch.Tensor,
    ) -> torch.Tensor:
        """The gradient of ``inner`` (width,); that of λ is added to ``by_scale``."""
        factors = scales.values.tolist()
        source = self._permuted.source(inner)
        total, layer = torch.zeros_like(inner), -1
        # Of chunks inside one layer, as long as it is the same one; of those where layers meet.
        alone, mixed = self._permuted.collector(inner), self._permuted.collector(inner)

        def close() -> None:
            back = alone.take()
            by_scale[layer] += torch.dot(back, inner)
            total.add_(back, alpha=factors[layer])

        for chunk in self._chunks(inner.device):
            part = gradient[chunk.start : chunk.stop].to(inner.dtype)
            runs = scales.layers.within(chunk.start, chunk.stop)
            if len(runs) == 1:
                if layer not in (-1, runs[0].layer):
                    close()
                layer = runs[0].layer
                self._collect(part, chunk, alone)
                continue
            image, part = self._image(source, chunk), part.clone()
            for run in runs:
                place = slice(run.start - chunk.start, run.stop - chunk.start)
                by_scale[run.layer] += torch.dot(part[place], image[place])
                part[place].mul_(factors[run.layer])
            self._collect(part, chunk, mixed)
        if layer != -1:
            close()
        return total.add_(mixed.take())

    def _kernels(self, device: torch.device) -> Fused | None:
        """Fused kernels where there are any for this device and block length."""
        if not self._shared:
            return None
        if device not in self._fused:
            self._fused[device] = fused(device, n=self._n, size=self.size, draws=self._draws)
        return self._fused[device]

    def _image(self, source: torch.Tensor, chunk: _Chunk) -> torch.Tensor:
        """(stop − start,): the chunk's entries of Pθ."""
        rows = self._permuted.rows(source, chunk.blocks, chunk.orders)
        image = walsh_hadamard(rows.mul_(chunk.diagonal))
        return image.view(-1)[: chunk.stop - chunk.start]

    def _collect(self, part: torch.Tensor, chunk: _Chunk, collector: Collector) -> None:
        """The adjoint of `_image`: add what the chunk's entries of a gradient come to."""
        missing = chunk.diagonal.numel() - len(part)
        whole = torch.nn.functional.pad(part, (0, missing)) if missing else part
        rows = walsh_hadamard(whole.view_as(chunk.diagonal)) * chunk.diagonal
        collector.add(rows, chunk.blocks, chunk.orders)

    def _chunks(self, device: torch.device) -> Iterator[_Chunk]:
        width = max(1, _CHUNK_ENTRIES // self._n)
        for first in range(0, self._blocks, width):
            blocks = torch.arange(first, min(first + width, self._blocks), device=device)
            first_order, second_order, diagonal = self._factors(blocks)
            start = first * self._n
            stop = min(start + diagonal.numel(), self.size)
            yield _Chunk(
                blocks=blocks,
                start=start,
                stop=stop,
                orders=(first_order, second_order),
                diagonal=diagonal,
            )

    def _factors(self, blocks: torch.Tensor) -> _Factors:
        """What makes τ_k, int32 (c, 1) each, and G_k (c, n) in half precision: exactly."""
        first = int(blocks[0])
        if (known := self._kept.get(first)) is not None:
            return known
        index = torch.arange(self._n, device=blocks.device)
        place = blocks.unsqueeze(1) * self._n + index
        made = (*self._permuted.orders(blocks), self._draw(self._stream, place, torch.float16))
        if blocks.device.type != "cpu":
            return made
        if self._store is None:
            # One piece of memory a factor: many small ones would be scattered among temporaries.
            a, c, g = (item.new_empty(self._blocks, item.shape[1]) for item in made)
            self._store = (a, c, g)
        a, c, g = (store[first : first + len(blocks)] for store in self._store)
        for kept, new in zip((a, c, g), made, strict=True):
            kept.copy_(new)
        self._kept[first] = (a, c, g)
        return a, c, g
