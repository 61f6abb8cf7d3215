from __future__ import annotations

import pytest

from pipeline.dimension.habits import JITTERS, SLOPES, UNKNOWN, Habits

STEEP = Habits((0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 0.0))


def test_every_slope_and_jitter_has_a_probability():
    assert (len(UNKNOWN.slopes), len(UNKNOWN.jitters)) == (len(SLOPES), len(JITTERS))
    assert sum(UNKNOWN.slopes) == pytest.approx(1) and sum(UNKNOWN.jitters) == pytest.approx(1)


def test_a_neighbours_habits_count_for_half_of_the_prior():
    prior = STEEP.told()
    assert prior.slopes == pytest.approx([0.015] + [0.97 / 12] * 5 + [0.5 + 0.97 / 12])
    assert prior.jitters == pytest.approx([0.625, 0.15, 0.15, 0.075])
    assert UNKNOWN.told().slopes == pytest.approx(UNKNOWN.slopes)
