"""What the optimizer sees of a model: all of it, or d numbers (DID and SAID; A21 eqs. 1 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import torch

from pipeline.errors import UserError
from pipeline.subspace.dense import DenseGaussian
from pipeline.subspace.fastfood import Fastfood, Gaussian
from pipeline.subspace.layout import FlatParameters, Granularity, layer_groups
from pipeline.subspace.projection import Normalisation, Projection


@dataclass(frozen=True)
class SubspaceConfig:
    """Which subspace: its structure, its projection and how that is normalised (METHOD §1)."""

    method: Literal["said", "did"] = "said"
    projection: Literal["fastfood", "dense"] = "fastfood"
    gaussian: Gaussian = "normal"
    normalisation: Normalisation = "entry"
    layers: Granularity = "block"

    def __post_init__(self) -> None:
        if self.projection == "dense" and self.gaussian != "normal":
            raise ValueError("gaussian must be 'normal' with the dense projection")


class Full:
    """Every parameter is trained: θ^D itself is the vector."""

    def __init__(self, flat: FlatParameters) -> None:
        self._flat = flat
        self.vector = flat.values
        self.vector.grad = flat.grads

    def materialize(self) -> None:
        """Nothing to do: the vector is the weights."""

    def pull_back(self) -> None:
        """Nothing to do: the weights' gradient is the vector's."""

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._flat.zero_grad()


class Subspace:
    """θ = θ₀ + λ · Pθ^d: exactly ``d`` numbers are trained, the head among the rest inside.

    DID (A21 eq. 1) trains θ^d alone. SAID (A21 eq. 3) trains [θ^{d−m}, λ] with one λ for each of
    the m layers; λ starts at 1, θ^d at 0, so training starts at θ₀ exactly. θ₀ is what the model
    holds when the subspace is made.

    Raises:
        UserError: SAID with d ≤ m, or d > D.
    """

    def __init__(self, flat: FlatParameters, config: SubspaceConfig, d: int, seed: int) -> None:
        self.config = config
        self.seed = seed
        self.size = flat.size
        self._flat = flat
        self._groups = _slices(flat, config.layers) if config.method == "said" else []
        self.layers = len(self._groups)
        inner = d - self.layers
        if inner < 1:
            raise UserError(
                f"d = {d} leaves no coordinate beside the {self.layers} layers' scales: "
                f"SAID with layers: {config.layers} needs d of at least {self.layers + 1}"
            )
        if d > flat.size:
            raise UserError(f"d = {d} is above the model's D = {flat.size} parameters")
        self.projection = _PROJECTIONS[config.projection](inner, flat.size, seed, config)
        self._origin = flat.values.clone()
        self._delta = torch.zeros_like(flat.values)
        self.vector = torch.zeros(d, dtype=flat.values.dtype, device=flat.values.device)
        self.vector[inner:] = 1
        self.vector.grad = torch.zeros_like(self.vector)
        self._inner = inner

    def materialize(self) -> None:
        """Write θ₀ + λ · Pθ^d into the model."""
        self.projection.forward(self.vector[: self._inner], self._delta)
        values = self._flat.values
        values.copy_(self._delta)
        for scale, layer in zip(self.vector[self._inner :], self._groups, strict=True):
            for run in layer:
                values[run].mul_(scale)
        values.add_(self._origin)

    def pull_back(self) -> None:
        """Turn the model's gradient g into the vector's: Pᵀ(λ·g) and ⟨g_i, (Pθ^d)_i⟩ for each λ_i.

        The model's gradient is overwritten with λ·g.
        """
        gradient = self._flat.grads
        assert self.vector.grad is not None
        scales = self.vector[self._inner :]
        for index, layer in enumerate(self._groups):
            moments = [torch.dot(gradient[run], self._delta[run]) for run in layer]
            self.vector.grad[self._inner + index] = torch.stack(moments).sum()
            for run in layer:
                gradient[run].mul_(scales[index])
        self.projection.adjoint(gradient, self.vector.grad[: self._inner])

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._flat.zero_grad()


def _slices(flat: FlatParameters, granularity: Granularity) -> list[list[slice]]:
    """Each layer's entries of θ^D as few slices as possible."""
    layers = []
    for group in layer_groups(flat.spans, granularity):
        runs: list[slice] = []
        for span in group:
            if runs and runs[-1].stop == span.start:
                runs[-1] = slice(runs[-1].start, span.stop)
            else:
                runs.append(slice(span.start, span.stop))
        layers.append(runs)
    return layers


def _fastfood(d: int, size: int, seed: int, config: SubspaceConfig) -> Projection:
    return Fastfood(d, size, seed, config.normalisation, config.gaussian)


def _dense(d: int, size: int, seed: int, config: SubspaceConfig) -> Projection:
    return DenseGaussian(d, size, seed, config.normalisation)


_PROJECTIONS: Mapping[str, Callable[[int, int, int, SubspaceConfig], Projection]] = {
    "fastfood": _fastfood,
    "dense": _dense,
}
