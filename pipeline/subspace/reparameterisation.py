"""What the optimizer sees of a model: all of it, or d numbers (DID and SAID; A21 eqs. 1 and 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Protocol

import torch

from pipeline.errors import UserError
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.layers import Layers, LayerScales, layer_groups
from pipeline.subspace.projection import Projection
from pipeline.subspace.registry import make_projection
from pipeline.training.parameters import Span


def _outside_autocast(work: Callable[[Subspace], None]) -> Callable[[Subspace], None]:
    """Keep a caller's autocast from rounding the projection's own products."""

    @wraps(work)
    def exact(subspace: Subspace) -> None:
        with torch.autocast(subspace.vector.device.type, enabled=False):
            work(subspace)

    return exact


class Weights(Protocol):
    """The weights that a subspace moves, as `FlatParameters` holds a model's.

    Attributes:
        values: θ (D,), at θ₀ when the subspace is made.
        grads: where their gradient (D,) lies.
        spans: the parameters in order.
        size: D.
        base: how the names of the base model's parameters begin.
    """

    values: torch.Tensor
    grads: torch.Tensor
    spans: tuple[Span, ...]
    size: int
    base: str

    def zero_grad(self) -> None:
        """Set the gradient to zero."""


class Subspace:
    """θ = θ₀ + λ · Pθ^d: exactly ``d`` numbers are trained, the head among the rest inside.

    DID (A21 eq. 1) trains θ^d alone. SAID (A21 eq. 3) trains [θ^{d−m}, λ] with one λ for each of
    the m layers; λ starts at 1, θ^d at 0, so training starts at θ₀ exactly. θ₀ is what the model
    holds when the subspace is made. With the head outside, its weights follow in ``vector``.

    Attributes:
        vector: what the optimizer sees: (d,), or (d + the head's size,) with the head outside.
        dimension: d.
        layers: m; 0 for DID.
        size: D, the model's parameters.
        spans: the model's parameters by name.

    Args:
        flat: the model's parameters, at θ₀.
        config: which subspace.
        d: how many numbers are trained.
        seed: what P is drawn from.
        projection: another P than ``config`` names, for as many coordinates and parameters.
        origin: θ₀ (D,), where the caller holds a copy that stays as it is; None makes one.

    Raises:
        UserError: SAID with d ≤ m, d > D, or a head outside that the model does not have.
    """

    def __init__(
        self,
        flat: Weights,
        config: SubspaceConfig,
        d: int,
        seed: int,
        projection: Projection | None = None,
        origin: torch.Tensor | None = None,
    ) -> None:
        self.config = config
        self.seed = seed
        self.dimension = d
        self.size = flat.size
        self.spans = flat.spans
        self._flat = flat
        body = flat.spans if config.head == "inside" else _without_head(flat)
        self._body = body[-1].stop
        self.layers, self._layers = _layers(body, config)
        self._inner = d - self.layers
        _check(d, self.layers, self._body, config)
        lengths = [span.stop - span.start for span in body]
        self.projection = projection or make_projection(config, self._inner, lengths, seed)
        start = flat.values.clone() if origin is None else origin
        self._origin = start[: self._body]
        values = flat.values
        dtype = torch.promote_types(values.dtype, torch.float32)
        self.vector = torch.zeros(d + flat.size - self._body, dtype=dtype, device=values.device)
        self.vector[self._inner : d] = 1
        self.vector[d:] = values[self._body :]
        self.vector.grad = torch.zeros_like(self.vector)
        # What stands for λ with DID, which has none: it stays 1, and its gradient is not used.
        self._unit = torch.ones(1, dtype=dtype, device=values.device)

    @property
    def weights(self) -> torch.Tensor:
        """θ (D,), as the last `materialize` left it: the model's own memory."""
        return self._flat.values

    @_outside_autocast
    def materialize(self) -> None:
        """Write θ₀ + λ · Pθ^d into the model, rounded once to the parameters' dtype."""
        values = self._flat.values
        values[self._body :] = self.vector[self.dimension :]
        self.projection.displace(
            self._origin,
            self.vector[: self._inner],
            self._scales(),
            values[: self._body],
        )

    def accumulate(self) -> None:
        """Nothing to do: the gradient of a micro-batch is added where it lies."""

    @_outside_autocast
    def pull_back(self) -> None:
        """Turn the model's gradient g into the vector's: Pᵀ(λ·g) and ⟨g_i, (Pθ^d)_i⟩ for each λ_i.

        The model's gradient may be overwritten.
        """
        self._pull(self._flat.grads)

    def gradient(self, weights: torch.Tensor) -> torch.Tensor:
        """The vector's gradient for one of the weights (D,), which stays as it is.

        For a caller whose gradient is not in the flat buffer: autograd's own, as in PEFT.
        """
        with torch.autocast(self.vector.device.type, enabled=False):
            self._pull(weights.clone())
        assert self.vector.grad is not None
        return self.vector.grad.clone()

    def _pull(self, gradient: torch.Tensor) -> None:
        target = self.vector.grad
        assert target is not None
        by_theta, by_scale = self.projection.pull_back(
            gradient[: self._body], self.vector[: self._inner], self._scales()
        )
        target[: self._inner] = by_theta
        if self.layers:
            target[self._inner : self.dimension] = by_scale
        target[self.dimension :] = gradient[self._body :]

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._flat.zero_grad()

    def _scales(self) -> LayerScales:
        """λ as the vector holds it now, with its layers."""
        values = self.vector[self._inner : self.dimension] if self.layers else self._unit
        return LayerScales(values, self._layers)


def scale_count(spans: Sequence[Span], config: SubspaceConfig) -> int:
    """m, how many λ are among the d numbers when all of the spans are moved; 0 for DID."""
    return 0 if config.method == "did" else len(layer_groups(spans, config.layers))


def _layers(body: tuple[Span, ...], config: SubspaceConfig) -> tuple[int, Layers]:
    """How many λ there are, and the layers that they scale; all is one layer with DID."""
    if config.method == "did":
        return 0, Layers([body])
    layers = Layers(layer_groups(body, config.layers))
    return layers.count, layers


def _check(d: int, layers: int, size: int, config: SubspaceConfig) -> None:
    if d <= layers or d < 1:
        raise UserError(
            f"d = {d} leaves no coordinate beside the {layers} layers' scales: "
            f"{config.method.upper()} with layers: {config.layers} needs d of at least {layers + 1}"
        )
    if d > size:
        raise UserError(f"d = {d} is above the D = {size} parameters that the subspace moves")


def _without_head(flat: Weights) -> tuple[Span, ...]:
    """The spans before the head: the parameters at the end that are not part of the base model."""
    body = list(flat.spans)
    while body and not body[-1].name.startswith(flat.base):
        body.pop()
    if not flat.base or not body or len(body) == len(flat.spans):
        raise UserError(
            "head: outside needs a model whose parameters end with a head beside a base model "
            "(a Hugging Face model for classification); set head: inside"
        )
    return tuple(body)
