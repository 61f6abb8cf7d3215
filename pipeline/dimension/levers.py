"""What is asked of the efficient protocol, as params.yaml's ``efficient`` says it."""

from __future__ import annotations

from dataclasses import dataclass


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

    precision: float = 8.0
    budget: float = 6.0
    evaluations: int | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        if not self.precision > 1:
            raise ValueError(
                f"precision is {self.precision}, but must be above 1: it is the interval's upper "
                "over its lower end"
            )
        if not self.budget > 0:
            raise ValueError(f"budget is {self.budget}, but must be above 0 full fine-tunings")
        for key in ("evaluations", "max_steps"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ValueError(f"{key} is {value}, but must be at least 1, or null")
