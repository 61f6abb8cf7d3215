"""The contract of a random projection P: R^d → R^D."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch

from pipeline.subspace.config import Normalisation
from pipeline.subspace.layers import LayerScales


class Projection(ABC):
    """A linear map P from θ^d (d,) to θ^D (D,), with its exact adjoint Pᵀ.

    Everything random is a function of ``seed``; nothing comes from a global generator. Any d from 1
    to D is taken whole: θ^d is never cropped.

    ``normalisation`` scales the map. With ``v`` the variance of an entry before scaling,

    - ``entry`` multiplies by 1/√(v·d): each entry of Pθ^d has the rms of θ^d, so that under Adam a
      weight moves as far as a coordinate whatever d is;
    - ``column`` multiplies by 1/√(v·D): each column of P has unit length, so P keeps lengths;
    - ``reference`` multiplies the rows of a tensor with D_t entries by 1/√(v·D_t), as the public
      code does: a column has unit length within each tensor (`PerTensor`).

    All hold in expectation over the random factors, and exactly where these have one modulus.
    """

    def __init__(self, d: int, size: int, normalisation: Normalisation) -> None:
        assert 1 <= d <= size, f"d = {d} must lie between 1 and D = {size}"
        self.d = d
        self.size = size
        self.normalisation = normalisation

    @abstractmethod
    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield Pθ in order, as its pieces' first entries and values; ``theta`` is (d,)."""

    @abstractmethod
    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out`` (d,); ``gradient`` is (D,)."""

    def forward(self, theta: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pθ into ``out`` (D,); ``theta`` is (d,)."""
        for start, piece in self.pieces(theta):
            out[start : start + len(piece)].copy_(piece)

    def pull_back(
        self,
        gradient: torch.Tensor,
        theta: torch.Tensor,
        scales: LayerScales,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The gradients of θ^d and λ in A21 eq. 3, where layer i moves by λ_i · (Pθ)_i.

        Args:
            gradient: g (D,); it may be overwritten.
            theta: θ^d (d,).
            scales: λ and its m layers.

        Returns:
            Pᵀ(λ·g) (d,) and ⟨g_i, (Pθ)_i⟩ (m,), as new tensors.
        """
        by_theta, by_scale = torch.empty_like(theta), torch.zeros_like(scales.values)
        for start, piece in self.pieces(theta):
            for run in scales.layers.within(start, start + len(piece)):
                part = gradient[run.start : run.stop]
                image = piece[run.start - start : run.stop - start]
                by_scale[run.layer] += torch.dot(part.to(image.dtype), image)
                part.mul_(scales.values[run.layer])
        self.adjoint(gradient, by_theta)
        return by_theta, by_scale

    def displace(
        self,
        origin: torch.Tensor,
        theta: torch.Tensor,
        scales: LayerScales,
        out: torch.Tensor,
    ) -> None:
        """A21 eq. 3: write θ₀ + λ_i · (Pθ)_i into ``out``, rounded once to its dtype.

        Args:
            origin: θ₀ (D,).
            theta: θ^d (d,).
            scales: λ and its m layers.
            out: (D,), of the dtype of θ₀.
        """
        if not theta.any():
            # θ₀ + 0 would turn a weight of −0 into +0.
            out.copy_(origin)
            return
        factors = scales.values.tolist()
        for start, piece in self.pieces(theta):
            for run in scales.layers.within(start, start + len(piece)):
                entries = slice(run.start, run.stop)
                move = piece[run.start - start : run.stop - start]
                torch.add(origin[entries], move, alpha=factors[run.layer], out=out[entries])

    def dense(self, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """P as a (D, d) matrix, column by column; for tests and small sizes."""
        columns = torch.empty(self.d, self.size, dtype=dtype)
        for row, unit in zip(columns, torch.eye(self.d, dtype=dtype), strict=True):
            self.forward(unit, row)
        return columns.T

    def _scale(self, variance: float) -> float:
        """The factor that normalises entries of the given variance."""
        length = {"entry": self.d, "column": self.size}[self.normalisation]
        return 1 / math.sqrt(variance * length)


class PerTensor(Projection):
    """A projection with unit columns, scaled anew in each tensor: normalisation ``reference``.

    Args:
        inner: a projection with ``column`` normalisation.
        lengths: the number of entries of each tensor, in the order of θ^D.
    """

    def __init__(self, inner: Projection, lengths: Sequence[int]) -> None:
        super().__init__(inner.d, inner.size, "reference")
        assert inner.normalisation == "column" and sum(lengths) == inner.size
        self._inner = inner
        self._lengths = torch.tensor(lengths)
        # torch's root misses the last bit now and then, and not the same ones on all CPUs.
        roots = [math.sqrt(inner.size / length) for length in lengths]
        self._roots = torch.tensor(roots, dtype=torch.float64)

    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield Pθ; see `Projection.pieces`."""
        weights = self._weights(theta)
        for start, piece in self._inner.pieces(theta):
            yield start, piece * weights[start : start + len(piece)]

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out``; see `Projection.adjoint`."""
        self._inner.adjoint(gradient * self._weights(out), out)

    def _weights(self, like: torch.Tensor) -> torch.Tensor:
        """√(D / D_t) for each entry of θ^D."""
        return self._roots.to(like).repeat_interleave(self._lengths.to(like.device))
