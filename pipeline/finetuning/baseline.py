"""How full fine-tuning is measured: section ``baseline`` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class BaselineConfig:
    """The protocol of full fine-tuning.

    Attributes:
        protocol: ``paper`` trains every learning rate to its end and takes the best run;
            ``efficient`` spares what brings little, repeats the best rate with other seeds, and
            names in every output where it departs from the paper (`pipeline.finetuning.efficient`).
        gain: a run of the efficient protocol ends when its best metric is not expected to rise by
            more than this.
        runs: the most runs with different seeds that the efficient protocol takes the mean of.
    """

    protocol: Literal["paper", "efficient"] = "paper"
    gain: float = 0.002
    runs: int = 4

    def __post_init__(self) -> None:
        if not 0 <= self.gain < 1:
            raise ValueError(f"gain is {self.gain}, but must be at least 0 and below 1")
        if self.runs < 1:
            raise ValueError(f"runs is {self.runs}, but must be at least 1")
