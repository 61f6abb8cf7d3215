"""The projections by name, and the keys that choose among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipeline.subspace.dense import DenseGaussian
from pipeline.subspace.fastfood import Fastfood, Gaussian
from pipeline.subspace.projection import Normalisation, PerTensor, Projection
from pipeline.subspace.reference import ReferenceFastfood
from pipeline.subspace.sparse import SparseSigns

Family = Literal["fastfood", "fastfood_whole", "dense", "sparse", "reference"]


@dataclass(frozen=True)
class ProjectionConfig:
    """Which projection (METHOD §1). ``gaussian`` and ``share_signs`` are Fastfood's own keys."""

    projection: Family = "fastfood"
    gaussian: Gaussian = "normal"
    share_signs: bool = True
    normalisation: Normalisation = "entry"

    def __post_init__(self) -> None:
        if not self.projection.startswith("fastfood"):
            for key, standard in (("gaussian", "normal"), ("share_signs", True)):
                if getattr(self, key) != standard:
                    raise ValueError(
                        f"{key} is {getattr(self, key)}, but only Fastfood has this choice: "
                        f"leave it out with projection: {self.projection}"
                    )
        if self.projection == "reference" and self.normalisation != "reference":
            raise ValueError(
                f"normalisation is {self.normalisation}, but must be reference with "
                "projection: reference, which has a scale of its own for each tensor"
            )


def make_projection(
    config: ProjectionConfig, d: int, lengths: Sequence[int], seed: int
) -> Projection:
    """A projection from R^d onto tensors of the given lengths, laid end to end."""
    if config.projection == "reference":
        return ReferenceFastfood(d, lengths, seed)
    make = _FAMILIES[config.projection]
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


_FAMILIES: Mapping[str, _Make] = {
    "fastfood": _blocked,
    "fastfood_whole": _whole,
    "dense": _dense,
    "sparse": _sparse,
}
