from __future__ import annotations

import pytest

from benchmarks.normalisation import best, rate, scan, slope


def test_a_scan_goes_on_until_the_best_rate_is_inside() -> None:
    for summit in (-7, -3, 0, 4):
        scores = scan(lambda place, summit=summit: -abs(place - summit), -1)
        assert best(scores) == summit
        assert min(scores) < summit < max(scores)


def test_of_equal_rates_the_middle_is_best() -> None:
    assert best({-2: 0.1, -1: 0.9, 0: 0.9, 1: 0.2}) == -0.5
    assert best(scan(lambda place: float(-4 <= place <= 0), -1)) == -2


def test_the_slope_is_that_of_a_power_law() -> None:
    # Two places are a decade: a rate that falls as the root of d falls one place a decade of d.
    assert slope({10: 0, 100: -1, 1000: -2}) == pytest.approx(-0.5)
    assert slope({10: 3, 100: 3, 1000: 3}) == 0
    assert rate(-4) == pytest.approx(0.01)
