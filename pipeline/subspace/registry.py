"""The projections by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol

from pipeline.subspace.config import Normalisation, ProjectionConfig
from pipeline.subspace.dense import DenseGaussian
from pipeline.subspace.fastfood import Fastfood
from pipeline.subspace.projection import PerTensor, Projection
from pipeline.subspace.reference import ReferenceFastfood
from pipeline.subspace.sparse import SparseSigns


def make_projection(
    config: ProjectionConfig, d: int, lengths: Sequence[int], seed: int
) -> Projection:
    """A projection from R^d onto tensors of the given lengths, laid end to end."""
    if config.projection == "reference":
        return ReferenceFastfood(d, lengths, seed)
    make = partial(_family(config), d, sum(lengths), seed=seed)
    if config.normalisation == "reference":
        return PerTensor(make(normalisation="column"), lengths)
    return make(normalisation=config.normalisation)


class _Family(Protocol):
    """What makes a projection of one family."""

    def __call__(
        self, d: int, size: int, *, seed: int, normalisation: Normalisation
    ) -> Projection: ...


def _family(config: ProjectionConfig) -> _Family:
    """The class of the family, with the options that only Fastfood has."""
    if config.projection == "dense":
        return DenseGaussian
    if config.projection == "sparse":
        return SparseSigns
    return partial(
        Fastfood,
        gaussian=config.gaussian,
        share_signs=config.share_signs,
        whole=config.projection == "fastfood_whole",
    )
