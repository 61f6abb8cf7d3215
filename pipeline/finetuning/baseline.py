"""How full fine-tuning is measured: section ``baseline`` of params.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.common.checked import Share, Size, check_fields


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
    gain: Share = 0.002
    runs: Size = 4

    def __post_init__(self) -> None:
        check_fields(self)
