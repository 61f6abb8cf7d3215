from __future__ import annotations

import numpy as np
import pytest

from pipeline.dimension.success import Levels, bend, rate_loss, spread, steepness

LEVELS = Levels(0.5, 0.8, 0.9)
MOVES = np.linspace(-3, 3, 601)


def test_the_metric_rises_from_chance_through_the_target_to_full_fine_tuning():
    curve = LEVELS.target + bend(MOVES, LEVELS)
    assert (np.diff(curve) >= 0).all()
    assert curve[300] == LEVELS.target
    assert curve[[0, -1]] == pytest.approx([LEVELS.chance, LEVELS.full], abs=1e-4)


def test_near_the_target_it_is_the_identity_whose_slope_is_told():
    small = np.array([-1e-3, 1e-3])
    assert bend(small, LEVELS) == pytest.approx(small, rel=0.01)
    measured = np.gradient(bend(MOVES, LEVELS), MOVES)
    assert steepness(MOVES, LEVELS)[1:-1] == pytest.approx(measured[1:-1], abs=0.05)


def test_a_rate_a_factor_of_3_off_costs_little_and_one_of_10_nearly_all():
    lost = rate_loss(np.log10([1.0, 3.0, 1 / 3, 10.0]))
    assert lost == pytest.approx([1.0, 0.85, 0.85, 0.04], abs=0.01)


def test_seeds_differ_most_where_the_metric_rises_steeply():
    steep, flat = (
        spread(np.array(1.0), np.array(0.1), np.array(move), LEVELS, 0.0) for move in (0.0, 1.0)
    )
    assert steep == pytest.approx(0.1, rel=0.01) and 0 < flat < 0.005


def test_a_full_run_no_better_than_the_target_or_chance_divides_by_nothing():
    same = Levels(0.5, 0.5, 0.5)
    assert np.isfinite(bend(MOVES, same)).all() and same.span > 0
