"""What a training tells of its final best metric, by how it ended."""

from __future__ import annotations

import pytest

from pipeline.dimension.evidence import Evidence, told
from pipeline.dimension.question import Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.record import Ending, Probe, Record

QUESTION = Question(
    (10, 100), 0.8, Rates((0.1, 1.0), unit=2.0), full=0.9, evaluations=10, chance=0.5,
    target_error=0.01,
)  # fmt: skip


def seen(curve: tuple[float, ...], ended: Ending, rate: float = 2.0) -> Evidence:
    return told(Record(Probe(100, 0, rate), curve, ended), QUESTION)


def test_a_complete_training_tells_its_metric_exactly():
    assert seen((0.6, 0.74, 0.7), Ending.COMPLETE) == Evidence(100, 0.0, 0.74, 0.0)
    assert seen((0.7, 0.85), Ending.COMPLETE) == Evidence(100, 0.0, 0.85, 0.0)


def test_one_that_ended_at_the_target_tells_only_that_it_came_to_that_much():
    assert seen((0.6, 0.84), Ending.REACHED) == Evidence(100, 0.0, 0.8, at_least=True)


def test_a_hopeless_one_tells_what_its_curve_leads_to():
    flat, rising = (
        seen(curve, Ending.HOPELESS)
        for curve in ((0.70, 0.71, 0.71, 0.71, 0.71), (0.55, 0.58, 0.61, 0.64, 0.67))
    )
    assert 0.71 <= flat.mean < 0.74 and 0 < flat.sd < rising.sd < 0.1
    assert rising.mean > 0.7 and not (flat.at_least or rising.at_least)


def test_the_longer_a_curve_is_the_surer_is_its_end():
    short, long = (seen((0.7,) * length, Ending.HOPELESS).sd for length in (3, 8))
    assert long < short


def test_one_that_broke_down_tells_that_it_missed_as_clearly_as_can_be():
    assert seen((), Ending.DIVERGED) == Evidence(100, 0.0, 0.5, 0.0)
    assert seen((0.85,), Ending.DIVERGED).mean == 0.85


@pytest.mark.parametrize(("rate", "decades"), [(2.0, 0.0), (0.2, -1.0)])
def test_its_learning_rate_is_told_in_decades_of_the_unit(rate: float, decades: float):
    assert seen((0.7,), Ending.COMPLETE, rate).rate == pytest.approx(decades)
