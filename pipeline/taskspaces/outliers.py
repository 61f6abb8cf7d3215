"""Outlier dimensions: entries that a task moves most, and others like them (Z23 §4.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch

from pipeline.taskspaces.result import Component
from pipeline.training.parameters import Span

# Entries are alike that belong to one parameter and to one of so many classes of magnitude.
_CLASSES = 20
_LAYER = re.compile(r"^.*?\.\d+\.")


def outlying(
    moves: Sequence[torch.Tensor], layers: Sequence[Sequence[Span]], sigmas: float
) -> torch.Tensor:
    """The entries of θ^D whose move lies beyond so many deviations of its layer's mean, in order.

    Args:
        moves: of each layer (D_layer,), its parameters laid end to end.
        layers: the spans of each.
        sigmas: how many deviations.
    """
    found = []
    for move, spans in zip(moves, layers, strict=True):
        far = (move - move.mean()).abs() > sigmas * move.std()
        places = torch.cat([torch.arange(span.start, span.stop) for span in spans])
        found.append(places[far.cpu()])
    return torch.cat(found).sort().values


def matched(
    origin: torch.Tensor,
    layers: Sequence[Sequence[Span]],
    outliers: torch.Tensor,
    generator: torch.Generator,
) -> torch.Tensor:
    """As many other entries, of the same parameters and like magnitudes, at random and in order.

    Many outliers are scales of a LayerNorm, whose loss no random entry of a matrix equals. Where a
    class has too few others all of them are taken, so there may be fewer.

    Args:
        origin: θ₀ (D,).
        layers: the spans of each layer.
        outliers: `outlying`.
        generator: what the entries are drawn from.
    """
    found = [torch.empty(0, dtype=torch.long)]
    for span in (span for spans in layers for span in spans):
        own = outliers[(outliers >= span.start) & (outliers < span.stop)] - span.start
        if not len(own):
            continue
        values = origin[span.start : span.stop].abs().cpu()
        count = min(_CLASSES, len(values))
        ranks = torch.empty(len(values), dtype=torch.long)
        ranks[values.argsort(stable=True)] = torch.arange(len(values))
        classes = ranks * count // len(values)
        free = torch.ones(len(values), dtype=torch.bool)
        free[own] = False
        for number, wanted in enumerate(classes[own].bincount(minlength=count).tolist()):
            others = torch.nonzero(free & (classes == number)).flatten() if wanted else own[:0]
            drawn = torch.randperm(len(others), generator=generator)[:wanted]
            found.append(others[drawn] + span.start)
    return torch.cat(found).sort().values


def components(layers: Sequence[Sequence[Span]], outliers: torch.Tensor) -> tuple[Component, ...]:
    """How many entries, and how many outliers, each kind of parameter has, most outliers first."""
    entries: dict[str, int] = {}
    held: dict[str, int] = {}
    for span in (span for spans in layers for span in spans):
        name = _LAYER.sub("", span.name)
        inside = int(((outliers >= span.start) & (outliers < span.stop)).sum())
        entries[name] = entries.get(name, 0) + span.stop - span.start
        held[name] = held.get(name, 0) + inside
    order = sorted(entries, key=lambda name: (-held[name], name))
    return tuple(Component(name, entries[name], held[name]) for name in order)
