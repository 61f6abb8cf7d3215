"""The original authors' Fastfood, tensor by tensor. For comparison only: its gradient is wrong.

It reproduces three properties of the public code of A21 that method §1 lists as faults: θ^d is
cropped to the padded length of a small tensor, the backward of each transform is divided by √n
although the forward is not, and permutations and normal numbers are stored for every tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import torch

from pipeline.common.seeds import torch_generator
from pipeline.subspace.hadamard import walsh_hadamard
from pipeline.subspace.projection import Projection


class _Factors(NamedTuple):
    """One tensor's B, Π and G (n,), and the number that its image is divided by."""

    signs: torch.Tensor
    order: torch.Tensor
    diagonal: torch.Tensor
    divisor: float


class ReferenceFastfood(Projection):
    """For each tensor of D_t entries: the first D_t of H G Π H B θ / (‖G‖ √D_t), n = 2^⌈log₂ D_t⌉.

    ``adjoint`` is the public backward: 1/n of the exact adjoint of each tensor.

    Args:
        d: length of θ^d; a tensor with n < d sees its first n numbers only.
        lengths: the number of entries of each tensor, in the order of θ^D.
        seed: what the factors are drawn from.
        transform: the Walsh–Hadamard transform of (1, n), not normalised.
    """

    def __init__(
        self,
        d: int,
        lengths: Sequence[int],
        seed: int,
        transform: Callable[[torch.Tensor], torch.Tensor] = walsh_hadamard,
    ) -> None:
        super().__init__(d, sum(lengths), "reference")
        self._lengths = tuple(lengths)
        self._transform = transform
        self._tensors = [_draw(length, seed, place) for place, length in enumerate(lengths)]

    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield Pθ; see `Projection.pieces`."""
        for start, length, factors in self._walk(theta):
            kept = min(self.d, len(factors.signs))
            padded = torch.zeros_like(factors.signs)
            padded[:kept] = theta[:kept] * factors.signs[:kept]
            mixed = self._apply(padded)[factors.order] * factors.diagonal
            yield start, self._apply(mixed)[:length] / factors.divisor

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write the public code's backward of g, which is not Pᵀg, into ``out`` (d,)."""
        out.zero_()
        for start, length, factors in self._walk(out):
            n = len(factors.signs)
            padded = torch.zeros_like(factors.signs)
            padded[:length] = gradient[start : start + length] / factors.divisor
            mixed = self._apply(padded) / math.sqrt(n) * factors.diagonal
            back = torch.zeros_like(mixed).scatter_(0, factors.order, mixed)
            theta = self._apply(back) / math.sqrt(n) * factors.signs
            kept = min(self.d, n)
            out[:kept] += theta[:kept]

    def _apply(self, vector: torch.Tensor) -> torch.Tensor:
        return self._transform(vector.unsqueeze(0)).view(-1)

    def _walk(self, like: torch.Tensor) -> Iterator[tuple[int, int, _Factors]]:
        """Yield each tensor's first entry, its length and its factors in the dtype of ``like``."""
        start = 0
        for length, factors in zip(self._lengths, self._tensors, strict=True):
            signs, order, diagonal, divisor = factors
            order = order.to(like.device)
            yield start, length, _Factors(signs.to(like), order, diagonal.to(like), divisor)
            start += length


def _draw(length: int, seed: int, place: int) -> _Factors:
    n = 1 << (length - 1).bit_length()
    generator = torch_generator(seed, "reference", place)
    signs = torch.randint(0, 2, (n,), generator=generator).float() * 2 - 1
    order = torch.randperm(n, generator=generator)
    diagonal = torch.randn(n, generator=generator)
    return _Factors(signs, order, diagonal, float(diagonal.norm()) * math.sqrt(length))
