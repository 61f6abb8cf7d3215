from __future__ import annotations

import math
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.report.rank_correlation import Association, Stratum, associate, interval

D_MIN, D_MAX = 100.0, 1000.0
# What is known of a d90: found, above the largest d, or at or below the smallest.
ABOVE, BELOW = math.inf, 0.0


def stratum(x, d90, units=None) -> Stratum:
    """A stratum whose d90 are numbers, ABOVE or BELOW."""
    low = [{ABOVE: D_MAX}.get(value, value) for value in d90]
    high = [{BELOW: D_MIN}.get(value, value) for value in d90]
    units = range(len(x)) if units is None else units
    return Stratum(*(np.array(list(row), dtype=float) for row in (units, x, low, high)))


def measure(*strata: Stratum, expected: int = -1) -> Association:
    return associate(strata, expected, np.random.default_rng(0))  # type: ignore[arg-type]


values = st.sampled_from([120.0, 200.0, 450.0, 800.0, ABOVE, BELOW])
found = st.sampled_from([120.0, 200.0, 300.0, 450.0, 800.0])
series = st.lists(st.tuples(st.integers(0, 5), values), min_size=2, max_size=5)


@pytest.mark.parametrize("length", [2, 3, 5, 12, 21])
@pytest.mark.parametrize("sign", [-1, 1])
def test_a_strictly_monotone_sequence_has_tau_and_rho_of_one(length: int, sign: int) -> None:
    steps = np.arange(length)
    result = measure(stratum(steps, 500 + sign * 10 * steps))
    assert result.tau == pytest.approx(sign) and result.rho == pytest.approx(sign)
    assert result.tau_low is not None and result.tau_high is not None
    assert result.tau_low < result.tau_high


@given(st.lists(st.tuples(st.integers(0, 5), found), min_size=3, max_size=9))
@settings(deadline=None, max_examples=60)
def test_without_bounds_they_are_scipys(rows) -> None:
    x, y = zip(*rows, strict=True)
    result = measure(stratum(x, y))
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert result.tau is result.rho is result.tau_low is None
        return
    assert result.tau == pytest.approx(stats.kendalltau(x, y).statistic)
    assert result.rho == pytest.approx(stats.spearmanr(x, y).statistic)


@given(st.permutations([120.0, 200.0, 300.0, 450.0, 700.0, 800.0]))
@settings(deadline=None, max_examples=20)
def test_the_exact_test_is_scipys(y) -> None:
    result = measure(stratum(range(6), y))
    for p, alternative in ((result.p, "less"), (result.p_opposite, "greater")):
        exact = stats.kendalltau(range(6), y, method="exact", alternative=alternative)
        assert p == pytest.approx(exact.pvalue)
    assert result.p_least == pytest.approx(1 / math.factorial(6))


def test_a_drawn_test_agrees_with_the_exact_one() -> None:
    y = [800, 700, 720, 500, 450, 460, 300, 310, 200, 190]
    result = measure(stratum(range(10), y))
    y = [700, 180, 720, 500, 450, 760, 300, 310, 600, 190]
    middling = measure(stratum(range(10), y))
    exact = stats.kendalltau(range(10), y, method="exact", alternative="less").pvalue
    assert result.p == pytest.approx(1e-4)
    assert middling.p == pytest.approx(exact, abs=0.02)


@given(series)
@settings(deadline=None, max_examples=60)
def test_monotone_transforms_change_nothing(rows) -> None:
    x, y = zip(*rows, strict=True)
    plain = stratum(x, y)
    moved = Stratum(plain.units, np.exp(plain.x), plain.low**3 + 1, plain.high**3 + 1)
    assert measure(plain) == measure(moved)


@given(series)
@settings(deadline=None, max_examples=60)
def test_turning_x_around_turns_the_result_around(rows) -> None:
    x, y = zip(*rows, strict=True)
    one, other = measure(stratum(x, y)), measure(stratum([-value for value in x], y), expected=1)
    assert one.tau == (None if other.tau is None else pytest.approx(-other.tau))
    assert one.tau_low == (None if other.tau_high is None else pytest.approx(-other.tau_high))
    assert one.rho_high == (None if other.rho_low is None else pytest.approx(-other.rho_low))
    assert (one.p, one.p_opposite) == (other.p, other.p_opposite)


def completions(d90):
    """Every order in which the bounded values may really stand."""
    above = [i for i, value in enumerate(d90) if value == ABOVE]
    below = [i for i, value in enumerate(d90) if value == BELOW]
    for up, down in product(permutations(range(len(above))), permutations(range(len(below)))):
        values = list(d90)
        for i, rank in zip(above, up, strict=True):
            values[i] = D_MAX + 1 + rank
        for i, rank in zip(below, down, strict=True):
            values[i] = D_MIN - 1 - rank
        yield values


@given(series)
@settings(deadline=None, max_examples=60)
def test_every_completion_of_the_bounds_lies_inside(rows) -> None:
    x, y = zip(*rows, strict=True)
    result = measure(stratum(x, y))
    for whole in completions(y):
        for name, scipys in (("tau", stats.kendalltau), ("rho", stats.spearmanr)):
            if len(set(x)) == 1 or len(set(whole)) == 1:
                continue
            value = scipys(x, whole).statistic
            low, high = getattr(result, f"{name}_low"), getattr(result, f"{name}_high")
            alone = interval(value, len(x), {"tau": 2.0, "rho": 3.0}[name])
            assert low - 1e-9 <= alone[0] and alone[1] <= high + 1e-9


@given(st.permutations(range(5)), st.lists(values, min_size=5, max_size=5))
@settings(deadline=None, max_examples=60)
def test_the_widening_is_no_wider_than_the_completions(x, y) -> None:
    """Where no x are tied, the ends of the interval belong to real completions."""
    result = measure(stratum(x, y))
    wholes = [whole for whole in completions(y) if len(set(whole)) > 1]
    if not wholes:
        return
    taus = [stats.kendalltau(x, whole).statistic for whole in wholes]
    assert result.tau_low == pytest.approx(interval(min(taus), 5, 2.0)[0])
    assert result.tau_high == pytest.approx(interval(max(taus), 5, 2.0)[1])
    rhos = [stats.spearmanr(x, whole).statistic for whole in wholes]
    assert result.rho_low == pytest.approx(interval(min(rhos), 5, 3.0)[0])
    assert result.rho_high == pytest.approx(interval(max(rhos), 5, 3.0)[1])


@given(series)
@settings(deadline=None, max_examples=60)
def test_the_estimate_lies_in_an_interval_that_has_a_width(rows) -> None:
    x, y = zip(*rows, strict=True)
    result = measure(stratum(x, y))
    for name in ("tau", "rho"):
        value, low, high = (getattr(result, f"{name}{end}") for end in ("", "_low", "_high"))
        if low is None:
            assert value is None
            continue
        assert -1 <= low < high <= 1
        assert value is None or low <= value <= high


@given(series)
@settings(deadline=None, max_examples=60)
def test_nothing_that_is_bounded_is_dropped(rows) -> None:
    x, y = zip(*rows, strict=True)
    result = measure(stratum(x, y))
    assert result.cells == len(rows)
    assert result.censored == sum(value in (ABOVE, BELOW) for value in y)


def test_a_bound_counts_against_every_d90_that_was_found() -> None:
    """Above the largest d first, then found: d90 falls. Without the bound there is no trend."""
    with_bound = measure(stratum([0, 1, 2, 3], [ABOVE, 200, 200, 200]))
    assert with_bound.tau is not None and with_bound.tau < -0.5
    assert measure(stratum([1, 2, 3], [200, 200, 200])).tau is None


def test_bounds_alone_say_nothing() -> None:
    result = measure(stratum(range(9), [ABOVE] * 9))
    assert (result.tau, result.rho) == (None, None)
    assert (result.tau_low, result.tau_high) == (-1, 1)
    assert (result.p, result.p_opposite) == (1, 1)


def test_open_pairs_widen_the_interval() -> None:
    steps = range(8)
    whole = measure(stratum(steps, [900, 850, 800, 700, 600, 500, 400, 300]))
    bounded = measure(stratum(steps, [ABOVE, ABOVE, ABOVE, 700, 600, 500, 400, 300]))
    assert (whole.tau_low, whole.p) == (bounded.tau_low, pytest.approx(1e-4, abs=1e-4))
    assert bounded.tau_high is not None and whole.tau_high is not None
    assert bounded.tau_high > whole.tau_high + 0.1


def test_what_three_checkpoints_can_say() -> None:
    """Even a strict fall has p = 1/6 and an interval that reaches well above 0."""
    result = measure(stratum([0, 1, 2], [800, 450, 120]))
    assert (result.tau, result.p, result.p_least) == (-1, pytest.approx(1 / 6), result.p)
    assert result.tau_low == -1 and 0.4 < result.tau_high < 0.5  # type: ignore[operator]
    assert (result.rho_low, result.rho_high) == (-1, 1)


def test_a_bound_at_another_end_leaves_the_pair_open() -> None:
    """Above 1,000 against 4,000, found with a larger grid: either may be the larger."""
    open_pair = Stratum(
        *(np.array(row, float) for row in ([0, 1], [0, 1], [1000, 4000], [ABOVE, 4000]))
    )
    assert measure(open_pair).tau is None
    assert (measure(open_pair).tau_low, measure(open_pair).tau_high) == (-1, 1)


def test_pooling_compares_within_strata_only() -> None:
    """Each task falls; across tasks a later step has the larger d90."""
    first = stratum([0, 1, 2], [130, 120, 110])
    second = stratum([10, 11, 12], [930, 920, 910])
    result = measure(first, second)
    assert (result.tau, result.rho) == (-1, -1)
    assert (result.units, result.cells) == (3, 6)


def test_strata_that_share_units_are_no_further_evidence() -> None:
    one = stratum(range(5), [800, 700, 720, 300, 110])
    alone, thrice = measure(one), measure(one, one, one)
    assert (alone.tau, alone.tau_low, alone.tau_high, alone.p) == (
        pytest.approx(thrice.tau), pytest.approx(thrice.tau_low), pytest.approx(thrice.tau_high), thrice.p,
    )  # fmt: skip


def test_pooled_test_by_brute_force_with_missing_cells() -> None:
    whole = stratum(range(5), [800, ABOVE, 450, 300, 120])
    part = stratum([1, 3, 4], [500, ABOVE, 150], units=[1, 3, 4])
    result = measure(whole, part)

    def s(x, d90) -> int:
        pairs = [(i, j) for j in range(len(x)) for i in range(j)]
        known = {ABOVE: 1e9}
        y = [known.get(value, value) for value in d90]
        return int(sum(np.sign(x[i] - x[j]) * np.sign(y[i] - y[j]) for i, j in pairs))

    sums = []
    for order in permutations(range(5)):
        total = s(range(5), [[800, ABOVE, 450, 300, 120][unit] for unit in order])
        total += s(
            range(3), [{1: 500, 3: ABOVE, 4: 150}[unit] for unit in order if unit in (1, 3, 4)]
        )
        sums.append(total)
    assert result.p == pytest.approx(np.mean(np.array(sums) <= sums[0]))
    assert result.p_opposite == pytest.approx(np.mean(np.array(sums) >= sums[0]))


def test_one_cell_is_nothing_to_compare() -> None:
    result = measure(stratum([5], [100]))
    assert result == Association(None, None, None, None, None, None, None, None, None, 0, 0, 0)


@pytest.mark.parametrize("length", [3, 4, 6, 12, 21])
def test_the_intervals_cover_at_least_95_percent(length: int) -> None:
    """Samples from Gaussian copulas, whose τ and ρ are known: 2/π asin r and 6/π asin r/2."""
    rng = np.random.default_rng(length)
    for r in (0.0, 0.5, 0.8, 0.9, 0.99):
        x, noise = rng.standard_normal((2, 1500, length))
        y = r * x + math.sqrt(1 - r**2) * noise
        a, b = (np.sign(rows[:, :, None] - rows[:, None, :]) for rows in (x, y))
        taus = (a * b).sum((1, 2)) / (length * (length - 1))
        rhos = 3 * (a.sum(2) * b.sum(2)).sum(1) / (length * (length**2 - 1))
        for values_, truth, variance in (
            (taus, 2 / math.pi * math.asin(r), 2.0),
            (rhos, 6 / math.pi * math.asin(r / 2), 3.0),
        ):
            ends = np.array([interval(value, length, variance) for value in values_])
            assert ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean() >= 0.945
