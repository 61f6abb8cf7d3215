"""What a search is asked, and what it may know beforehand from a neighbouring cell."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.dimension.habits import Habits
from pipeline.dimension.noise import Noise, expected_noise
from pipeline.dimension.rates import Rates
from pipeline.dimension.success import Levels


@dataclass(frozen=True)
class Near:
    """What a neighbouring cell's search found.

    Attributes:
        d90: its d₉₀; 0 below its grid and infinity above it.
        rate: the learning rate that served, in decades of the unit (`Rates.decades`); None where
            none did.
        habits: how steeply its metric rises with d, and how much its seeds differ.
    """

    d90: float
    rate: float | None = None
    habits: Habits | None = None


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
        """The noise to expect before the trainings' answers tell."""
        return expected_noise(self.target_error, self.full_error)


# A single evaluation's wobble, in standard errors of the evaluation set, and what is always there.
_WOBBLE, _LEAST_WOBBLE = 0.5, 0.002
