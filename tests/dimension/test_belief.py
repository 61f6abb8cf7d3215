"""What a cell's trainings say with and without a neighbour's answer."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from pipeline.dimension.belief import BEYOND, belief, knowledge
from pipeline.dimension.habits import UNKNOWN, Habits
from pipeline.dimension.posterior import Posterior
from pipeline.dimension.question import Near, Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.record import Ending, Probe, Record

# A cell of the laptop preset: its smallest d came to 0.517 of 0.827.
GRID = tuple(32 * 4**step for step in range(6))
QUESTION = Question(
    GRID, 0.827, Rates((0.1, 0.3, 1.0)), full=0.863, evaluations=12, chance=0.5,
    target_error=0.0155,
)  # fmt: skip
WAITED = (0.5, 0.51, 0.517, 0.51, 0.51, 0.51, 0.51)
RECORDS = [
    Record(Probe(128, 0, 0.3), (0.6, 0.7)),
    Record(Probe(512, 0, 0.3), (0.7, 0.8)),
    Record(Probe(2048, 0, 0.3), (0.7, 0.845)),
]


def below(known: Posterior, d: float) -> float:
    return float(np.interp(np.log10(d), known.theta, np.cumsum(known.marginal)))


def known(question: Question, *records: Record) -> Posterior:
    return knowledge(question, records, question.noise)


@pytest.mark.parametrize(
    ("curve", "ended", "most"),
    [((0.517,), Ending.COMPLETE, 0.01), (WAITED, Ending.HOPELESS, 0.15)],
)
def test_a_clear_miss_at_the_smallest_d_says_that_d90_lies_above(curve, ended, most):
    missed = known(QUESTION, Record(Probe(32, 0, 0.3), curve, ended))
    assert below(missed, 32) <= most


@pytest.mark.parametrize("d90", [0.0, 32.0, 1024.0, 32_768.0, math.inf])
def test_a_neighbours_d90_decides_effort_and_never_the_answer(d90: float):
    told = replace(QUESTION, near=Near(d90))
    for records in ([], RECORDS[:1], RECORDS):
        assert np.array_equal(known(told, *records).weights, known(QUESTION, *records).weights)
    guess, plain = (belief(question, []).quantiles((0.5,))[0] for question in (told, QUESTION))
    assert guess == pytest.approx(np.clip(np.log10(max(d90, 1)), 1.005, 5.016), abs=0.3)
    assert (abs(guess - plain) > 0.05) or d90 == 1024


def test_a_neighbours_answer_far_off_is_soon_forgotten():
    wrong = belief(replace(QUESTION, near=Near(20_000.0)), RECORDS).quantiles((0.5,))
    assert wrong == pytest.approx(belief(QUESTION, RECORDS).quantiles((0.5,)), abs=0.2)


def test_d90_may_lie_outside_the_grid_but_not_far():
    theta = belief(QUESTION, []).theta
    assert 10 ** theta[[0, -1]] == pytest.approx([32 / 10**BEYOND, 32_768 * 10**BEYOND])
    low, high = known(QUESTION, Record(Probe(32_768, 0, 0.3), (0.6,))).quantiles((0.5, 0.975))
    assert low > math.log10(32_768) and high > low


def test_what_is_reported_is_fine_where_the_probability_is():
    records = [*RECORDS, *(Record(Probe(1024, seed, 0.3), (0.7, 0.825)) for seed in range(4))]
    fine, wide = known(QUESTION, *records), belief(QUESTION, records)
    assert fine.theta[1] - fine.theta[0] < (wide.theta[1] - wide.theta[0]) / 1.2
    assert fine.quantiles((0.5,)) == pytest.approx(wide.quantiles((0.5,)), abs=0.05)


def test_a_known_error_of_the_target_widens_the_interval():
    widths = []
    for full_error in (0.0, 0.02, 0.05):
        low, high = known(replace(QUESTION, full_error=full_error), *RECORDS).quantiles(
            (0.025, 0.975)
        )
        widths.append(high - low)
    assert widths[0] < widths[1] < widths[2]


def test_habits_and_best_rate_of_a_neighbour_are_a_prior():
    steep = Habits((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0))
    near = Near(512.0, rate=0.0, habits=steep)
    prior = belief(replace(QUESTION, near=near), [])
    assert prior.habits().slopes == pytest.approx(steep.told().slopes, abs=1e-3)
    assert belief(QUESTION, []).habits().slopes == pytest.approx(UNKNOWN.slopes, abs=1e-3)
    assert prior.model.rate.centre == 0.0
    assert belief(QUESTION, []).model.rate.centre == pytest.approx(-0.5)


def test_the_order_of_records_does_not_matter():
    one, other = known(QUESTION, *RECORDS), known(QUESTION, *reversed(RECORDS))
    assert one.weights == pytest.approx(other.weights, abs=1e-12)
