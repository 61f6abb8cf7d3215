from __future__ import annotations

import math

import pytest

from pipeline.dimension.rates import DEFAULT_RATES, Rates, check_rates, listed

GRID = (100, 1000, 10_000)
RELATIVE = Rates((0.1, 1.0), unit=2.0, power=-0.5, best_power=-0.5)


def test_relative_rates_move_with_d():
    assert RELATIVE.at(1) == pytest.approx((0.2, 2.0))
    assert RELATIVE.at(100) == pytest.approx((0.02, 0.2))


def test_a_list_is_the_same_at_every_d():
    rates = listed((1e-3, 1e-2), -0.75, GRID)
    assert rates.at(100) == rates.at(10_000) == (1e-3, 1e-2)


@pytest.mark.parametrize("rates", [RELATIVE, listed((1e-3, 1e-2), -0.75, GRID)])
@pytest.mark.parametrize("d", [1, 30, 4_000_000])
def test_the_multiple_of_a_rate_is_found_again(rates: Rates, d: int):
    assert [rates.multiple(d, rate) for rate in rates.at(d)] == list(rates.multiples)


def test_a_multiple_lies_equally_far_at_every_d():
    """In decades of the unit: what a neighbour at another d tells of the best rate."""
    for d in (1, 16, 500_000):
        assert [RELATIVE.decades(d, rate) for rate in RELATIVE.at(d)] == pytest.approx([-1, 0])


def test_an_absolute_rate_lies_higher_the_larger_d_is():
    """The best one falls as d^-0.75, so a rate that stays is too high for more dimensions."""
    rates = listed((1e-3, 1e-2), -0.75, GRID)
    assert rates.decades(1000, 1e-2) == pytest.approx(-2)
    assert rates.decades(10_000, 1e-2) == pytest.approx(-2 + 0.75)
    assert rates.decades(100, 1e-2) == pytest.approx(-2 - 0.75)


def test_the_best_rate_is_expected_in_the_middle_of_the_list_and_less_surely_of_a_long_one():
    short, long = listed((1e-3, 1e-2), -0.75, GRID), listed((1e-4, 1e-1), -0.75, GRID)
    assert short.centre == long.centre == pytest.approx(-2.5)
    assert long.spread > short.spread > RELATIVE.spread
    assert Rates(DEFAULT_RATES).centre == pytest.approx(math.log10(0.35), abs=0.01)


@pytest.mark.parametrize(
    ("rates", "learning_rates", "sentence"),
    [
        ((), None, "rates must list at least one rate"),
        ((0.0, 1.0), None, "rates must list at least one rate, all above 0"),
        ((1.0, 1.0), None, "rates must all be different"),
        ((1.0,), (), "learning_rates must list at least one rate"),
        ((1.0,), (1e-3, 1e-3), "learning_rates must all be different"),
    ],
)
def test_lists_that_no_search_could_use_are_refused(rates, learning_rates, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_rates(rates, learning_rates)
