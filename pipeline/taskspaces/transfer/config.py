"""The keys of transfer in params.yaml."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.common.checked import Size, check_fields


@dataclass(frozen=True)
class TransferConfig:
    """How directions of several tasks are put together and tried (method §8); none are without it.

    Attributes:
        dimension: directions a layer, of every arm.
        seeds: trainings an arm.
    """

    dimension: Size = 8
    seeds: Size = 5

    def __post_init__(self) -> None:
        check_fields(self)
