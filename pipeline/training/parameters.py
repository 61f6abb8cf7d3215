"""A model's parameters as one flat vector θ^D, and training all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from pipeline.errors import UserError

# Weights of so many bytes as whole numbers (8 as two of 4, or signs would cancel out in 64 bits),
# and how many are summed at a time.
_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int32}
_PIECE = 1 << 22


@dataclass(frozen=True)
class Span:
    """Where a named parameter lies in θ^D: entries ``start`` … ``stop`` − 1."""

    name: str
    start: int
    stop: int


class FlatParameters:
    """The trainable parameters of a model as views into one buffer, their gradients into another.

    Tied parameters are held once, in the order of ``named_parameters``. Reading and writing
    ``values`` (D,) reads and writes the model; after a backward pass ``grads`` (D,) holds the
    gradient.

    Attributes:
        size: D.
        spans: the parameters in order.
        base: how the names of the base model's parameters begin, where a Hugging Face model puts a
            head on one; empty otherwise.

    Raises:
        UserError: the parameters differ in dtype or device, share memory without being tied, or
            none can be trained.
    """

    def __init__(self, model: nn.Module) -> None:
        named = [(name, item) for name, item in model.named_parameters() if item.requires_grad]
        if not named:
            raise UserError("the model has no trainable parameters")
        kinds = {(item.dtype, item.device) for _, item in named}
        if len(kinds) > 1:
            raise UserError(
                "the model's parameters must share one dtype and one device, but have "
                + ", ".join(sorted(f"{dtype} on {device}" for dtype, device in kinds))
            )
        _check_separate(named)
        self.spans = spans_of(named)
        self.size = self.spans[-1].stop
        self.base = base_of(model)
        first = named[0][1]
        self.values = torch.empty(self.size, dtype=first.dtype, device=first.device)
        self.grads = torch.zeros_like(self.values)
        self._model = model
        self._parameters = [item for _, item in named]
        self._gradients = [
            self._adopt(span, parameter)
            for span, parameter in zip(self.spans, self._parameters, strict=True)
        ]

    def _adopt(self, span: Span, parameter: nn.Parameter) -> torch.Tensor:
        """Make the parameter a view into ``values``; return its gradient's view."""
        view = self.values[span.start : span.stop].view_as(parameter)
        view.copy_(parameter.detach())
        parameter.data = view
        parameter.grad = self.grads[span.start : span.stop].view_as(parameter)
        return parameter.grad

    def zero_grad(self) -> None:
        """Set the gradient to zero where it is, so that it stays a view into ``grads``."""
        self.grads.zero_()
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            if parameter.grad is not gradient:
                parameter.grad = gradient

    def collect(self) -> None:
        """Bring gradients into ``grads`` that were put elsewhere, as after ``model.zero_grad()``.

        Raises:
            UserError: a parameter is no longer a view into ``values``, or the model's trainable
                parameters are others.
        """
        self._check_same()
        for span, parameter in zip(self.spans, self._parameters, strict=True):
            place = slice(span.start, span.stop)
            if parameter.data_ptr() != self.values[place].data_ptr():
                raise _changed(span.name)
            view = self.grads[place].view_as(parameter)
            if parameter.grad is None:
                view.zero_()
            elif parameter.grad.data_ptr() != view.data_ptr():
                view.copy_(parameter.grad)
            parameter.grad = view

    def fingerprint(self) -> int:
        """A sum over the bits of all weights, by which other weights are told from these."""
        bits = self.values.view(_BITS[self.values.element_size()])
        # The sum may wrap around. In pieces: of shorter numbers torch makes a copy first.
        parts = [part.sum(dtype=torch.int32) for part in bits.split(_PIECE)]
        return int(torch.stack(parts).sum())

    def _check_same(self) -> None:
        """Check that the model still has the parameters that were taken over, and no others."""
        ours = {span.name: item for span, item in zip(self.spans, self._parameters, strict=True)}
        now = {name: item for name, item in self._model.named_parameters() if item.requires_grad}
        for name in {**ours, **now}:
            if ours.get(name) is not now.get(name):
                raise _changed(name)


class Full:
    """Every parameter is trained: θ^D itself is the vector."""

    def __init__(self, flat: FlatParameters) -> None:
        self._flat = flat
        self.vector = flat.values
        self.vector.grad = flat.grads

    def materialize(self) -> None:
        """Nothing to do: the vector is the weights."""

    def accumulate(self) -> None:
        """Nothing to do: the gradient of a micro-batch is added where it lies."""

    def pull_back(self) -> None:
        """Nothing to do: the weights' gradient is the vector's."""

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._flat.zero_grad()


def _changed(name: str) -> UserError:
    return UserError(
        f"{name} was moved, cast or replaced after the model's parameters were taken over (or "
        "tied, frozen or thawed): do that first, and make the subspace last"
    )


def layout_hash(spans: Sequence[Span]) -> str:
    """Hex SHA-256 of the parameters' names and places: the same for the same architecture."""
    text = "".join(f"{span.name} {span.start} {span.stop}\n" for span in spans)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_separate(named: Sequence[tuple[str, nn.Parameter]]) -> None:
    """Two parameters in one place would be torn apart; tied ones are one parameter."""
    places: dict[int, str] = {}
    for name, item in named:
        other = places.setdefault(item.data_ptr(), name) if item.numel() else name
        if other != name:
            raise UserError(
                f"{other} and {name} share memory but are two parameters: tie them by assigning "
                "one to the other"
            )


def base_of(model: nn.Module) -> str:
    """How the names of a base model's parameters begin; see `FlatParameters`."""
    prefix = getattr(model, "base_model_prefix", "")
    return f"{prefix}." if prefix and hasattr(model, prefix) else ""


def spans_of(named: Sequence[tuple[str, nn.Parameter]]) -> tuple[Span, ...]:
    """Where each parameter lies in θ^D, in their order."""
    spans, start = [], 0
    for name, item in named:
        spans.append(Span(name, start, start + item.numel()))
        start += item.numel()
    return tuple(spans)
