"""The keys of certificates in params.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pipeline.common.checked import Distinct, Range, Size, check_fields

# A level's number has eight bits in a file.
Levels = Annotated[int, Range(least=2, most=256, said="from 2 to 256")]


@dataclass(frozen=True)
class CertificateConfig:
    """The table of candidates, which is fixed before any training row is looked at (method §7).

    With the section each cell gets a certificate; without it none does.

    Attributes:
        d: dimensions that are tried beside the cell's d₉₀; those that the model does not allow are
            left out.
        levels: how many levels the d numbers may take.
        epochs: of tuning through the levels, after a whole training without them.
        delta: the probability that a bound may fail.
    """

    d: Annotated[tuple[Size, ...], Distinct()] = (100, 300, 1000)
    levels: Annotated[tuple[Levels, ...], Distinct()] = (3, 5)
    epochs: Size = 3
    delta: Annotated[float, Range(above=0, below=1)] = 0.05

    def __post_init__(self) -> None:
        check_fields(self)
        for key in ("d", "levels"):
            if not getattr(self, key):
                raise ValueError(f"{key} must list at least one number")
