"""What a training tells of its final best metric, whether or not it had all of its epochs."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.curves.forecast import forecast
from pipeline.dimension.question import Question
from pipeline.dimension.record import Record


@dataclass(frozen=True)
class Evidence:
    """The final best metric of a training at d: normal, or at least ``mean``.

    Attributes:
        d: its dimension.
        rate: its learning rate in decades of the unit (`Rates.decades`).
        mean: what the metric would have come to, and ``sd`` its standard deviation: 0 for a
            training that had all of its epochs.
        at_least: the training ended at the target, so more is not known.
    """

    d: int
    rate: float
    mean: float
    sd: float = 0.0
    at_least: bool = False


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
    return Evidence(*place, expected.mean, expected.sd)
