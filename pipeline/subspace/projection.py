"""The contract of a random projection P: R^d → R^D, and the families that keep it."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Literal

import torch

Normalisation = Literal["column", "entry"]


class Projection(ABC):
    """A linear map P from θ^d (d,) to θ^D (D,), with its exact adjoint Pᵀ.

    Everything random is a function of ``seed``; nothing comes from a global generator. Any d from 1
    to D is taken whole: θ^d is never cropped.

    ``normalisation``: with ``entry`` each entry of Pθ^d has the rms of θ^d, so that under Adam a
    weight moves as far as a coordinate whatever d is; with ``column`` each column of P has unit
    length, so that P keeps lengths. Both hold in expectation over the random factors.
    """

    def __init__(self, d: int, size: int, normalisation: Normalisation) -> None:
        assert 1 <= d <= size, f"d = {d} must lie between 1 and D = {size}"
        self.d = d
        self.size = size
        self.normalisation = normalisation

    @abstractmethod
    def forward(self, theta: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pθ into ``out`` (D,); ``theta`` is (d,)."""

    @abstractmethod
    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out`` (d,); ``gradient`` is (D,)."""

    def dense(self, dtype: torch.dtype = torch.float64) -> torch.Tensor:
        """P as a (D, d) matrix, column by column; for tests and small sizes."""
        columns = torch.empty(self.d, self.size, dtype=dtype)
        for row, unit in zip(columns, torch.eye(self.d, dtype=dtype), strict=True):
            self.forward(unit, row)
        return columns.T

    def _scale(self, variance: float) -> float:
        """The factor that normalises entries of the given variance."""
        length = self.d if self.normalisation == "entry" else self.size
        return 1 / math.sqrt(variance * length)
