"""What a training tells of its final best metric, whether or not it had all of its epochs."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.curves.forecast import forecast
from pipeline.dimension.question import Question
from pipeline.dimension.record import Record

# A metric this near to 1 has no room for a rise that matters.
_LITTLE = 0.01


@dataclass(frozen=True)
class Evidence:
    """The final best metric of a training at d: normal, or at least ``mean``.

    Attributes:
        d: its dimension.
        rate: its learning rate in decades of the unit (`Rates.decades`).
        mean: what the metric would have come to, and ``sd`` its standard deviation: 0 for a
            training that had all of its epochs.
        at_least: the training ended at the target, so more is not known.
        rising: how likely it would have left a plateau instead, per unit of metric above ``mean``.
    """

    d: int
    rate: float
    mean: float
    sd: float = 0.0
    at_least: bool = False
    rising: float = 0.0


def told(record: Record, question: Question) -> Evidence:
    """What a record tells."""
    probe = record.probe
    place = (probe.d, question.rates.decades(probe.d, probe.learning_rate))
    if record.whole:
        return Evidence(*place, record.score(question.target) if record.curve else question.chance)
    if record.reached(question.target):
        return Evidence(*place, question.target, at_least=True)
    expected = forecast(
        record.curve, question.evaluations, chance=question.chance, error=question.wobble
    )
    rising = expected.rising / max(1 - expected.best, _LITTLE)
    return Evidence(*place, *expected.smooth, rising=rising)
