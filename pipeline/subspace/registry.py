"""The projections by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

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
    make = _PROJECTIONS[config.projection]
    if config.normalisation == "reference":
        return PerTensor(make(config, d, sum(lengths), seed, "column"), lengths)
    return make(config, d, sum(lengths), seed, config.normalisation)


_Make = Callable[[ProjectionConfig, int, int, int, Normalisation], Projection]


def _blocked(
    config: ProjectionConfig, d: int, size: int, seed: int, normalisation: Normalisation
) -> Projection:
    return Fastfood(d, size, seed, normalisation, config.gaussian, share_signs=config.share_signs)


def _whole(
    config: ProjectionConfig, d: int, size: int, seed: int, normalisation: Normalisation
) -> Projection:
    return Fastfood(
        d, size, seed, normalisation, config.gaussian, share_signs=config.share_signs, whole=True
    )


def _dense(
    config: ProjectionConfig, d: int, size: int, seed: int, normalisation: Normalisation
) -> Projection:
    return DenseGaussian(d, size, seed, normalisation)


def _sparse(
    config: ProjectionConfig, d: int, size: int, seed: int, normalisation: Normalisation
) -> Projection:
    return SparseSigns(d, size, seed, normalisation)


_PROJECTIONS: Mapping[str, _Make] = {
    "fastfood": _blocked,
    "fastfood_whole": _whole,
    "dense": _dense,
    "sparse": _sparse,
}
