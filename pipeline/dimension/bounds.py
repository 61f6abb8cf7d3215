"""What the trainings of a search tell of the best metric at each d.

A miss with the learning rates that the search tried counts as one with all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.dimension.question import Question
from pipeline.dimension.record import Record
from pipeline.dimension.stopping import StopRule, ceiling


@dataclass(frozen=True)
class Bound:
    """What is known of a seed's best metric at d: it lies between ``low`` and ``high``.

    The two are equal when the trainings were complete.
    """

    d: int
    low: float
    high: float


def bounds(question: Question, records: Iterable[Record]) -> list[Bound]:
    """What each seed's trainings at each d tell together, in the order of the first of each."""
    rule = StopRule(question.target, question.target_error, question.epochs, question.idle())
    grouped: dict[tuple[int, int], list[Record]] = defaultdict(list)
    for record in records:
        grouped[record.probe.d, record.probe.seed].append(record)
    found = []
    for (d, _), own in grouped.items():
        begun = [record for record in own if record.curve]
        low = max((record.metric for record in begun), default=0.0)
        high = max((ceiling(record, rule) for record in begun), default=0.0)
        found.append(Bound(d, low, high))
    return found
