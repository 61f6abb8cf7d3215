from __future__ import annotations

import numpy as np

from pipeline.dimension.curve import curve_points
from pipeline.dimension.estimate import estimate_d90
from pipeline.dimension.question import Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.record import Probe, Record

QUESTION = Question(
    grid=(10, 30, 100, 300, 1000), target=0.8, rates=Rates((0.35,)), full=0.85, chance=0.5,
    target_error=0.01,
)  # fmt: skip
RECORDS = [
    Record(Probe(d, 0, 0.35), (metric,)) for d, metric in ((30, 0.62), (100, 0.77), (300, 0.84))
]


def test_the_curve_rises_and_is_where_the_trainings_are() -> None:
    points = curve_points(QUESTION, RECORDS, QUESTION.noise)
    assert [point.d for point in points] == list(QUESTION.grid)
    for name in ("metric", "metric_low", "metric_high", "enough"):
        assert (np.diff([getattr(point, name) for point in points]) >= 0).all(), name
    assert all(point.metric_low <= point.metric <= point.metric_high for point in points)
    at = {point.d: point for point in points}
    for record in RECORDS:
        own = at[record.probe.d]
        assert own.metric_low - 0.05 < record.metric < own.metric_high + 0.05


def test_the_median_of_d90_is_where_the_curve_meets_half_the_probability() -> None:
    found = estimate_d90(QUESTION, RECORDS, QUESTION.noise)
    points = curve_points(QUESTION, RECORDS, QUESTION.noise)
    below = [point.enough for point in points if point.d < found.d90]
    above = [point.enough for point in points if point.d > found.d90]
    assert max(below) < 0.5 < min(above)
