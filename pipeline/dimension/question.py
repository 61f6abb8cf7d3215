"""What a search is asked, and what it may know beforehand from a neighbouring cell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Near:
    """A neighbour's answer: its d₉₀ (None: above its grid) and the learning rate that reached."""

    d90: int | None
    learning_rate: float | None


@dataclass(frozen=True)
class Question:
    """Find the smallest d of ``grid`` whose training reaches ``target``.

    Attributes:
        grid: the values of d, increasing.
        target: the metric to reach, and ``target_error`` the standard error of a metric near it on
            the evaluation examples.
        learning_rates: those that may be tried.
        seeds: how many seeds decide; more than half of them must reach.
        epochs: evaluations of a whole training.
        chance: the metric of the best answer that does not look at the text, and ``chance_error``
            the standard error of a metric near it.
        near: a neighbour's answer to start from.
        rate_slope: the power of d that the best learning rate follows (docs/normalisation.md).
    """

    grid: tuple[int, ...]
    target: float
    learning_rates: tuple[float, ...]
    seeds: int = 1
    epochs: int = 1
    chance: float = 0.0
    chance_error: float = 0.0
    target_error: float = 0.0
    near: Near | None = None
    rate_slope: float = 0.0

    def __post_init__(self) -> None:
        assert list(self.grid) == sorted(set(self.grid)), "the grid must increase"

    def idle(self) -> float:
        """The metric up to which a training may still have learned nothing.

        Three standard errors: the best of a training's many epochs passes two by chance.
        """
        return self.chance + 3 * self.chance_error
