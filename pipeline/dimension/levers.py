"""What is asked of the efficient protocol, as params.yaml's ``efficient`` says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pipeline.common.checked import Count, Range, Size, check_fields

Precision = Annotated[
    float, Range(above=1, said="above 1: it is the interval's upper over its lower end")
]


@dataclass(frozen=True)
class EfficientConfig:
    """How precisely d₉₀ is to be known, and what that may cost (docs/search.md).

    Attributes:
        precision: the upper over the lower end of the 95 % interval at which the search ends.
        budget: the search ends after so many whole full fine-tunings' worth of training.
        evaluations: of a whole probe; None for one an epoch.
        max_steps: a probe's updates are capped here. This changes what is measured, and every
            output says so.
    """

    precision: Precision = 8.0
    budget: Annotated[float, Range(above=0, said="above 0 full fine-tunings")] = 6.0
    evaluations: Size | None = None
    max_steps: Count | None = None

    def __post_init__(self) -> None:
        check_fields(self)
