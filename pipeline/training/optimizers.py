"""AdamW over one flat vector, and learning-rate schedules as pure functions of the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

ScheduleName = Literal["linear", "constant"]


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW's constants; the learning rate comes from the schedule."""

    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {list(self.betas)}, but each must be in [0, 1)")
        if self.eps <= 0:
            raise ValueError(f"eps is {self.eps}, but must be above 0")
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay is {self.weight_decay}, but must be at least 0")


def adamw(vector: torch.Tensor, config: OptimizerConfig) -> torch.optim.AdamW:
    """AdamW over the one tensor that a trainable exposes; every entry is decayed, as in fairseq."""
    import torch

    return torch.optim.AdamW(
        [vector],
        lr=0.0,
        betas=config.betas,
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=True,
    )


def schedule(
    name: ScheduleName, peak: float, warmup_steps: int, total_steps: int
) -> Callable[[int], float]:
    """Return the learning rate as a function of the update's index (0 for the first update).

    ``linear``: from 0 up to ``peak`` over ``warmup_steps``, then straight down to 0 at
    ``total_steps``. ``constant``: the same warm-up, then ``peak`` for ever, so that a run can be
    made longer without touching what has been trained.
    """

    def rate(index: int) -> float:
        update = index + 1
        if update <= warmup_steps:
            return peak * update / warmup_steps
        if name == "constant":
            return peak
        return peak * max(0, total_steps - index) / max(1, total_steps - warmup_steps)

    return rate


def decayed(rate: Callable[[int], float], start: int, stop: int) -> Callable[[int], float]:
    """The rate brought down in a straight line: untouched at update ``start``, 0 at ``stop``.

    Over a constant schedule this is the decay of a trapezoid, whose length is chosen when it
    begins: what was trained before does not depend on it.
    """
    return lambda index: rate(index) * (stop - index) / (stop - start)
