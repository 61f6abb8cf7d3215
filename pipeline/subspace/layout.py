"""A model's parameters as one flat vector θ^D, and the groups of it that count as layers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from pipeline.errors import UserError

Granularity = Literal["block", "module", "tensor"]

_NUMBERED = re.compile(r"^(?:.*?\.)?\d+\.")


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

    Raises:
        UserError: the parameters differ in dtype or device, or none can be trained.
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
        self.spans = _spans(named)
        self.size = self.spans[-1].stop
        first = named[0][1]
        self.values = torch.empty(self.size, dtype=first.dtype, device=first.device)
        self.grads = torch.zeros_like(self.values)
        self._parameters = [item for _, item in named]
        for span, (_, parameter) in zip(self.spans, named, strict=True):
            self._adopt(span, parameter)

    def _adopt(self, span: Span, parameter: nn.Parameter) -> None:
        view = self.values[span.start : span.stop].view_as(parameter)
        view.copy_(parameter.detach())
        parameter.data = view
        parameter.grad = self.grads[span.start : span.stop].view_as(parameter)

    def zero_grad(self) -> None:
        """Set the gradient to zero where it is, so that it stays a view into ``grads``."""
        self.grads.zero_()
        for span, parameter in zip(self.spans, self._parameters, strict=True):
            if parameter.grad is None:
                parameter.grad = self.grads[span.start : span.stop].view_as(parameter)


def layer_groups(spans: Sequence[Span], granularity: Granularity) -> list[list[Span]]:
    """Group the spans into the *m* layers that SAID scales one by one (METHOD §1).

    ``block``: everything before the numbered transformer blocks (the embeddings), each block,
    everything after them (the head); ``module``: the parameters of one module; ``tensor``: each
    parameter alone. Groups keep the order of θ^D.
    """
    groups: dict[str, list[Span]] = {}
    for span, key in zip(spans, _KEYS[granularity](spans), strict=True):
        groups.setdefault(key, []).append(span)
    return list(groups.values())


def _spans(named: Sequence[tuple[str, nn.Parameter]]) -> tuple[Span, ...]:
    spans, start = [], 0
    for name, item in named:
        spans.append(Span(name, start, start + item.numel()))
        start += item.numel()
    return tuple(spans)


def _block_keys(spans: Sequence[Span]) -> list[str]:
    """A key a span: its numbered block, or which side of the blocks it lies on."""
    matches = [_NUMBERED.match(span.name) for span in spans]
    if not any(matches):
        return ["all"] * len(spans)
    keys, seen_block = [], False
    for match in matches:
        seen_block = seen_block or match is not None
        keys.append(match.group(0) if match else "after" if seen_block else "before")
    return keys


def _module_keys(spans: Sequence[Span]) -> list[str]:
    return [span.name.rpartition(".")[0] for span in spans]


def _tensor_keys(spans: Sequence[Span]) -> list[str]:
    return [span.name for span in spans]


_KEYS = {"block": _block_keys, "module": _module_keys, "tensor": _tensor_keys}
