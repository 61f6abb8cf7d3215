"""A learned basis for any d: the first directions of each group of parameters, in turn."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from pipeline.subspace.projection import Projection
from pipeline.training.parameters import Span


@dataclass(frozen=True)
class Group:
    """Parameters with directions of their own: V (r, D_group), orthonormal rows, longest first."""

    spans: Sequence[Span]
    directions: torch.Tensor


@dataclass(frozen=True)
class NestedBasis:
    """A basis of each group of a model's parameters; the groups are all of them."""

    groups: Sequence[Group]

    @property
    def size(self) -> int:
        """The largest d: how many directions there are."""
        return sum(len(group.directions) for group in self.groups)

    def order(self) -> list[tuple[int, int]]:
        """(direction, group) of each coordinate: all groups' first, then all second."""
        pairs = (
            (place, number)
            for number, group in enumerate(self.groups)
            for place in range(len(group.directions))
        )
        return sorted(pairs)

    def first(self, d: int) -> Projection:
        """The map from the first d coordinates onto θ^D, normalised as ``entry`` is."""
        return _First(self, d)

    @cached_property
    def sha256(self) -> str:
        """The hash of the directions."""
        digest = hashlib.sha256()
        for group in self.groups:
            digest.update(group.directions.cpu().numpy().tobytes())
        return digest.hexdigest()


class _First(Projection):
    """Each entry of Pθ has the rms of θ: the k unit rows of a group are scaled by √(D_group/k)."""

    def __init__(self, basis: NestedBasis, d: int) -> None:
        groups = basis.groups
        size = sum(group.directions.shape[1] for group in groups)
        super().__init__(d, size, "entry")
        places: list[list[int]] = [[] for _ in groups]
        for coordinate, (_, number) in enumerate(basis.order()[:d]):
            places[number].append(coordinate)
        self._parts: list[tuple[int, int, torch.Tensor, torch.Tensor, float]] = []
        for group, own in zip(groups, places, strict=True):
            start = 0
            for span in group.spans:
                stop = start + span.stop - span.start
                rows = group.directions[: len(own), start:stop]
                scale = math.sqrt(group.directions.shape[1] / max(1, len(own)))
                if own:
                    part = (span.start, span.stop, torch.tensor(own), rows, scale)
                    self._parts.append(part)
                start = stop
        self._parts.sort(key=lambda part: part[0])

    def pieces(self, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor]]:
        """Yield Pθ; see `Projection.pieces`."""
        before = 0
        for start, stop, own, rows, scale in self._parts:
            if start > before:
                yield before, theta.new_zeros(start - before)
            yield start, scale * theta[own.to(theta.device)] @ rows.to(theta)
            before = stop
        if self.size > before:
            yield before, theta.new_zeros(self.size - before)

    def adjoint(self, gradient: torch.Tensor, out: torch.Tensor) -> None:
        """Write Pᵀg into ``out``; see `Projection.adjoint`."""
        out.zero_()
        for start, stop, own, rows, scale in self._parts:
            part = rows.to(out) @ gradient[start:stop].to(out.dtype)
            out.index_add_(0, own.to(out.device), part, alpha=scale)
