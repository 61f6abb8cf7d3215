"""The layers that SAID scales one by one: which parameters form one, and where in θ^D it lies."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch

from pipeline.subspace.config import Granularity
from pipeline.training.parameters import Span

# Outside the blocks a name tells more than the place: some models hold the head before them, or
# tables of positions between an encoder's blocks and a decoder's.
_EMBEDDING = re.compile(r"embed|\b(?:shared|wte|wpe)\b")
_HEAD = re.compile(r"classif|\b(?:score|pooler|head|lm_head)\b")
_NUMBER = re.compile(r"(?:^|(?<=\.))\d+(?=\.)")


class Run(NamedTuple):
    """Entries ``start`` … ``stop`` − 1 of θ^D, all of one layer (counted from 0)."""

    start: int
    stop: int
    layer: int


class Layers:
    """A partition of the first entries of θ^D into layers, each one or more runs.

    Args:
        groups: the spans of each layer; together they cover 0 … D − 1 without gaps.
    """

    def __init__(self, groups: Sequence[Sequence[Span]]) -> None:
        self.count = len(groups)
        pieces = sorted(
            (span.start, span.stop, layer) for layer, group in enumerate(groups) for span in group
        )
        runs: list[Run] = []
        for piece in map(Run._make, pieces):
            if runs and runs[-1].layer == piece.layer:
                runs[-1] = runs[-1]._replace(stop=piece.stop)
            else:
                runs.append(piece)
        self._runs = runs
        self._starts = [run.start for run in runs]

    def within(self, start: int, stop: int) -> list[Run]:
        """The runs between two entries, cut off at them."""
        first = bisect_right(self._starts, start) - 1
        last = bisect_right(self._starts, stop - 1)
        return [
            Run(max(run.start, start), min(run.stop, stop), run.layer)
            for run in self._runs[first:last]
        ]


@dataclass(frozen=True)
class LayerScales:
    """λ (m,) and the m layers of θ^D that it scales, one number a layer (A21 eq. 3)."""

    values: torch.Tensor
    layers: Layers


def layer_groups(spans: Sequence[Span], granularity: Granularity) -> list[list[Span]]:
    """Group the spans into the *m* layers that SAID scales one by one (method §1).

    ``block``: the embeddings, each numbered transformer block, the head; a block is an item of the
    outermost list of modules that has more than one. What lies outside the blocks is told by its
    name, and where that says nothing by whether it comes before the first block. ``module``: the
    parameters of one module. ``tensor``: each parameter alone. Groups keep the order of θ^D.
    """
    groups: dict[str, list[Span]] = {}
    for span, key in zip(spans, _KEYS[granularity](spans), strict=True):
        groups.setdefault(key, []).append(span)
    return list(groups.values())


def numbered_blocks(spans: Sequence[Span]) -> list[list[Span]]:
    """The spans of each transformer block, without embeddings and head; none in another model."""
    groups: dict[str, list[Span]] = {}
    for span, key in zip(spans, _block_keys(spans), strict=True):
        if key not in ("embeddings", "head"):
            groups.setdefault(key, []).append(span)
    return list(groups.values())


def _block_keys(spans: Sequence[Span]) -> list[str]:
    """A key a span: its numbered block, ``embeddings`` or ``head``."""
    lists: dict[str, set[str]] = {}
    for span in spans:
        for prefix, number in _numbers(span.name):
            lists.setdefault(prefix, set()).add(number)
    # A list of one is a wrapper around the real list, unless there is no longer one.
    shortest = min(2, max(map(len, lists.values()), default=1))
    keys, outside = [], "embeddings"
    for span in spans:
        blocks = (
            f"{prefix}{number}."
            for prefix, number in _numbers(span.name)
            if len(lists[prefix]) >= shortest
        )
        block = next(blocks, None)
        outside = outside if block is None else "head"
        keys.append(block or _told(span.name) or outside)
    return keys


def _told(name: str) -> str | None:
    """Whether a name outside the blocks is one of embeddings or of a head."""
    if _EMBEDDING.search(name):
        return "embeddings"
    return "head" if _HEAD.search(name) else None


def _numbers(name: str) -> list[tuple[str, str]]:
    """The numbered components of a name, outermost first, each with all that stands before it."""
    return [(name[: match.start()], match.group()) for match in _NUMBER.finditer(name)]


def _module_keys(spans: Sequence[Span]) -> list[str]:
    return [span.name.rpartition(".")[0] for span in spans]


def _tensor_keys(spans: Sequence[Span]) -> list[str]:
    return [span.name for span in spans]


_KEYS = {"block": _block_keys, "module": _module_keys, "tensor": _tensor_keys}
