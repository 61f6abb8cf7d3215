"""Learning-rate schedules: pure functions of the update's index."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

ScheduleName = Literal["linear", "constant"]


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
