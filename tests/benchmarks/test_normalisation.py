from __future__ import annotations

import pytest

from benchmarks.normalisation import best, cost_rows, costs, kappa, scan, slope


def test_a_scan_goes_on_until_the_best_rate_is_inside() -> None:
    for summit in (-7, -3, 0, 4):
        scores = scan(lambda place, summit=summit: -abs(place - summit), -1)
        assert best(scores) == summit
        assert min(scores) < summit < max(scores)


def test_of_equal_rates_the_middle_is_best() -> None:
    assert best({-2: 0.1, -1: 0.9, 0: 0.9, 1: 0.2}) == -0.5
    assert best(scan(lambda place: float(-4 <= place <= 0), -1)) == -2


def test_rates_within_the_error_of_the_best_one_are_as_good() -> None:
    assert best({-2: 0.1, -1: 0.9, 0: 0.89, 1: 0.2}) == -1
    assert best({-2: 0.1, -1: 0.9, 0: 0.89, 1: 0.2}, error=0.02) == -0.5


def test_the_slope_is_what_the_unit_leaves_over() -> None:
    assert slope({16: -2, 64: -3, 256: -4}) == pytest.approx(-0.5)
    assert slope({16: -2, 64: -2, 256: -2}) == 0
    assert kappa(-2) == "0.25"


def test_one_rate_costs_what_it_loses_where_it_loses_most() -> None:
    table = {("a", 16): {-2: 0.7, -1: 0.8, 0: 0.5}, ("b", 99): {-3: 0.1, -2: 0.9, -1: 0.6}}
    lost = costs(table)
    assert list(lost) == [-2, -1]  # what both have tried
    assert lost[-2] == {("a", 16): pytest.approx(0.1), ("b", 99): 0}
    assert cost_rows(table)[-1] == "| 0.5 | 15.0 | 30.0 | b, d = 99 |"
