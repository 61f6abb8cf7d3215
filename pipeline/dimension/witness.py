"""What the trainings of a search tell of the best accuracy at each d.

A miss with the learning rates that the search tried counts as one with all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.dimension.question import Question
from pipeline.dimension.search import Probe
from pipeline.dimension.stopping import StopRule, ceiling


@dataclass(frozen=True)
class Seen:
    """What is known of a seed's best accuracy at d: it lies between ``low`` and ``high``.

    The two are equal when the trainings were complete.
    """

    d: int
    low: float
    high: float


@dataclass(frozen=True)
class Training:
    """A probe's accuracy after each epoch, and whether it had all of its epochs."""

    probe: Probe
    curve: Sequence[float]
    complete: bool


def witnesses(question: Question, trainings: Iterable[Training]) -> list[Seen]:
    """What each seed's trainings at each d tell together, in the order of the first of each."""
    rule = StopRule(question.target, question.error(), question.epochs, question.idle())
    grouped: dict[tuple[int, int], list[Training]] = defaultdict(list)
    for one in trainings:
        grouped[one.probe.d, one.probe.seed].append(one)
    seen = []
    for (d, _), own in grouped.items():
        whole = [one for one in own if one.curve]
        low = max((max(one.curve) for one in whole), default=0.0)
        high = max((ceiling(one.curve, rule, one.complete) for one in whole), default=0.0)
        seen.append(Seen(d, low, high))
    return seen
