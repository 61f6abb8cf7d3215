"""The keys of representation in params.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.common.checked import Size, check_fields


@dataclass(frozen=True)
class RepresentationConfig:
    """How the dimension of hidden states is measured (method §8); without the section it is not.

    Attributes:
        rows: evaluation rows of each task that are looked at, at most; distances between all of
            them are computed.
        neighbours: how many neighbours of a row MLE looks at; TwoNN looks at two.
        draws: of the bootstrap that gives the intervals.
    """

    rows: Size = 1000
    neighbours: Size = 20
    draws: Size = 200

    def __post_init__(self) -> None:
        check_fields(self)
        if self.neighbours < 2:
            raise ValueError(f"neighbours is {self.neighbours}, but must be at least 2")
        if self.rows <= self.neighbours:
            raise ValueError(
                f"rows is {self.rows}, but must be more than neighbours, {self.neighbours}"
            )
