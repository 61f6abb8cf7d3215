"""The estimate that is reported: where it lies, how well it is known, what contradicts it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pipeline.common.status import Status
from pipeline.dimension.estimate import Estimate, estimate_d90
from pipeline.dimension.question import Near, Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.record import Ending, Probe, Record

GRID = (100, 200, 400, 800, 1600)
QUESTION = Question(
    GRID, 0.8, Rates((0.1, 1.0)), full=0.88, evaluations=4, chance=0.5, target_error=0.01
)


def records(*metrics: float) -> list[Record]:
    """Complete trainings of the first dimensions."""
    pairs = zip(GRID, metrics, strict=False)
    return [Record(Probe(d, 0, 1.0), (metric,)) for d, metric in pairs]


def estimated(found: list[Record], question: Question = QUESTION) -> Estimate:
    return estimate_d90(question, found, question.noise)


def test_inside_the_grid_it_is_ok_and_needs_no_reason():
    found = estimated(records(0.62, 0.72, 0.79, 0.83, 0.85))
    assert (found.status, found.reason, found.monotone) == (Status.OK, "", True)
    assert 170 < found.low < 250 < found.d90 < 450 < found.high < 900
    assert found.within(GRID)[1] == round(found.d90)


def test_above_the_grid_is_not_reached_and_says_how_far_the_largest_came():
    found = estimated(records(0.55, 0.56, 0.6, 0.65, 0.7))
    assert found.status is Status.NOT_REACHED and found.d90 > GRID[-1] and found.above
    assert found.reason == (
        "d₉₀ lies above 1,600, the largest d of the grid, which reaches 0.7000 of 0.8000"
    )
    assert found.within(GRID)[1:] == (None, None)


def test_not_reached_without_a_training_at_the_largest_d_says_only_that():
    found = estimated(records(0.5, 0.5, 0.505, 0.51))
    assert found.reason == "d₉₀ lies above 1,600, the largest d of the grid"


def test_below_the_grid_is_an_outcome_of_its_own():
    found = estimated(records(0.86, 0.87))
    assert found.status is Status.BELOW_GRID and found.d90 < GRID[0]
    assert found.reason == "d₉₀ lies below 100, the smallest d of the grid"
    assert found.within(GRID)[:2] == (None, None)


def test_where_no_training_reached_no_d90_is_claimed():
    waited = [Record(Probe(d, seed, 1.0), (0.5,) * 4) for d in (200, 1600) for seed in range(2)]
    near = [Record(Probe(400, seed, 1.0), (0.79,)) for seed in range(8)]
    found = estimated(waited + near)
    assert found.d90 < GRID[-1] and found.status is Status.NOT_REACHED and not found.above
    assert found.reason == "no training reached 0.8000; the best 0.7900"
    assert found.high == math.inf and found.within(GRID)[1:] == (None, None)


def test_where_every_training_broke_down_there_is_none():
    broken = [Record(Probe(d, 0, 1.0), (), Ending.DIVERGED) for d in (400, 1600)]
    assert estimated(broken).status is Status.DIVERGED
    assert "every training diverged" in estimated(broken).reason
    one_held = [*broken, Record(Probe(1600, 0, 0.1), (0.6,))]
    assert estimated(one_held).status is Status.NOT_REACHED


@pytest.mark.parametrize(
    ("larger", "monotone"),
    [
        (Record(Probe(800, 0, 1.0), (0.70,)), False),
        (Record(Probe(800, 0, 1.0), (0.815,)), True),
        (Record(Probe(800, 0, 0.1), (0.70,)), True),
        (Record(Probe(800, 0, 1.0), (0.82,), Ending.REACHED), True),
        (Record(Probe(400, 1, 1.0), (0.70,)), True),
    ],
    ids=["clearly worse", "within noise", "another rate", "ended at the target", "the same d"],
)
def test_more_dimensions_that_did_clearly_worse_are_flagged(larger: Record, monotone: bool):
    assert estimated([Record(Probe(400, 0, 1.0), (0.83,)), larger]).monotone is monotone


def test_a_training_whose_end_is_open_contradicts_only_as_far_as_it_is_known():
    best = Record(Probe(400, 0, 1.0), (0.83,))
    early = Record(Probe(800, 0, 1.0), (0.55,), Ending.HOPELESS)
    flat = replace(early, curve=(0.6, 0.61, 0.61))
    question = replace(QUESTION, evaluations=10)
    assert estimated([best, early], question).monotone
    assert not estimated([best, replace(flat, ended=Ending.COMPLETE)]).monotone


def test_the_neighbours_d90_is_not_in_it():
    seen = records(0.62, 0.72, 0.79)
    assert estimated(seen) == estimated(seen, replace(QUESTION, near=Near(3.0)))


def test_the_target_error_is_in_the_interval():
    seen = records(0.62, 0.72, 0.79, 0.83, 0.85)
    sharp, unsure = estimated(seen), estimated(seen, replace(QUESTION, full_error=0.03))
    assert unsure.high / unsure.low > 1.1 * sharp.high / sharp.low


def test_habits_tell_others_how_steep_this_cell_is():
    steep, flat = (
        estimated(records(0.52, 0.55, 0.8, 0.87)),
        estimated(records(0.78, 0.79, 0.8, 0.81)),
    )
    mean = [
        sum(place * share for place, share in enumerate(one.habits.slopes)) for one in (steep, flat)
    ]
    assert mean[0] > mean[1] + 1
