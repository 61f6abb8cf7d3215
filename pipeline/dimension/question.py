"""What a search is asked, and what it may know beforehand from a neighbouring cell."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pipeline.dimension.success import Levels, Noise


@dataclass(frozen=True)
class Near:
    """A neighbour's answer: its d₉₀ (None: above its grid) and the learning rate that served."""

    d90: int | None
    learning_rate: float | None


@dataclass(frozen=True)
class Rates:
    """The learning rates of a search: at d they are ``multiples`` · ``unit`` · d^``power``.

    Attributes:
        multiples: those that may be tried, relative to the unit.
        unit: what a multiple of 1 stands for at d = 1.
        power: how the rates that are offered move with d: 0 for a list that is the same at all d.
        best_power: how the best rate moves with d (docs/normalisation.md).
        middle: the d at which the best rate is expected in the middle of the list.
    """

    multiples: tuple[float, ...]
    unit: float = 1.0
    power: float = 0.0
    best_power: float = 0.0
    middle: float = 1.0

    def at(self, d: int) -> tuple[float, ...]:
        """The learning rates at d."""
        return tuple(multiple * self.unit * d**self.power for multiple in self.multiples)

    def decades(self, d: int, rate: float) -> float:
        """How far a rate lies from the unit, in decades, the best one's movement taken out.

        So the best rate lies equally far at every d, as far as it follows its power.
        """
        moved = self.best_power * math.log10(d / self.middle) + self.power * math.log10(self.middle)
        return math.log10(rate / self.unit) - moved

    @property
    def expected(self) -> tuple[float, float]:
        """Where the best rate is expected in decades, and the standard deviation of that."""
        logs = [math.log10(multiple) for multiple in self.multiples]
        low, high = min(logs), max(logs)
        # A list that moves as the best rate does was made around it; another only covers it.
        return (low + high) / 2, 0.2 if self.power == self.best_power else (high - low) / 3 + 0.1


@dataclass(frozen=True)
class Question:
    """Find the d of ``grid`` at which trainings are expected to reach ``target``.

    Attributes:
        grid: the values of d, increasing.
        target: the metric to reach, and ``target_error`` the standard error of a metric near it on
            the evaluation examples.
        rates: the learning rates that may be tried.
        full: metric of full fine-tuning; ``full_error`` the standard error that its few runs leave
            in the target.
        seeds: of the protocols that try a fixed number: how many seeds decide; more than half of
            them must reach.
        evaluations: those of a whole training.
        cost: of a whole training, in whole full fine-tunings.
        chance: the metric of the best answer that does not look at the text, and ``chance_error``
            the standard error of a metric near it.
        near: a neighbour's answer to start from.
    """

    grid: tuple[int, ...]
    target: float
    rates: Rates
    full: float = 1.0
    full_error: float = 0.0
    seeds: int = 1
    evaluations: int = 1
    cost: float = 1.0
    chance: float = 0.0
    chance_error: float = 0.0
    target_error: float = 0.0
    near: Near | None = None

    def __post_init__(self) -> None:
        assert list(self.grid) == sorted(set(self.grid)), "the grid must increase"

    @property
    def levels(self) -> Levels:
        """The metrics between which success rises."""
        return Levels(self.chance, self.target, self.full)

    @property
    def wobble(self) -> float:
        """The standard deviation of one evaluation around its training's smooth curve."""
        return _WOBBLE * self.target_error + _LEAST_WOBBLE

    @property
    def noise(self) -> Noise:
        """The noise to expect before the trainings' answers tell: half of the variance is shared.

        Full fine-tuning answers the same examples, so most of that cancels in metric − target.
        """
        half = self.target_error / math.sqrt(2)
        return Noise(half, math.hypot(_CANCELLED * half, self.full_error))


_WOBBLE, _LEAST_WOBBLE = 0.5, 0.002
_CANCELLED = 0.6
