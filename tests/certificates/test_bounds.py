"""Bounds: what is known of them in closed form, and that they hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from pipeline.certificates.bounds import (
    description_bits,
    divergence,
    hoeffding_bound,
    kl_bound,
    nats_a_row,
)


def test_without_errors_the_bound_has_a_closed_form() -> None:
    assert kl_bound(0.0, 0.1) == pytest.approx(1 - math.exp(-0.1), abs=1e-12)
    assert kl_bound(1.0, 0.1) == 1.0


@given(st.floats(0, 1), st.floats(1e-9, 5))
def test_it_inverts_the_divergence_and_is_below_hoeffdings(error: float, nats: float) -> None:
    bound = kl_bound(error, nats)
    assert error <= bound <= hoeffding_bound(error, nats) + 1e-12
    assert divergence(error, bound) >= nats * (1 - 1e-6) or bound == 1.0


@given(st.floats(0, 0.9), st.floats(1e-6, 1), st.floats(1.01, 3))
def test_more_errors_or_more_bits_prove_less(error: float, nats: float, more: float) -> None:
    assert kl_bound(error, nats) <= kl_bound(error, nats * more)
    assert kl_bound(error, nats) <= kl_bound(min(error + 0.05, 1.0), nats)


def test_choices_are_paid_for() -> None:
    assert description_bits(1024, 1) == 1024 + 20
    assert description_bits(1024, 8) == 1024 + 20 + 3
    assert nats_a_row(100, 1000, 0.05) == pytest.approx((100 * math.log(2) + math.log(20)) / 1000)


def test_an_underflow_never_makes_a_bound_smaller() -> None:
    """Beyond 700 nats a binomial tail is 0 in floating point, whose inversion proves too much."""
    rows, error, bits = 10_000, 0.1, 5_000.0
    nats = nats_a_row(bits, rows, 0.05)
    assert nats * rows > 700
    bound = kl_bound(error, nats)
    assert divergence(error, bound) == pytest.approx(nats, rel=1e-9)
    assert binom.cdf(int(error * rows), rows, bound - 0.01) == 0.0


def test_at_most_delta_of_draws_break_the_bound() -> None:
    """The best of 16 classifiers of known risk, 4 bits each, in 400 draws of 100 rows."""
    generator, delta, draws, rows = np.random.default_rng(0), 0.2, 400, 100
    risks = generator.uniform(0.1, 0.4, 16)
    broken = 0
    for _ in range(draws):
        errors = generator.binomial(rows, risks) / rows
        nats = nats_a_row(4, rows, delta)
        broken += any(
            risk > kl_bound(float(error), nats) for risk, error in zip(risks, errors, strict=True)
        )
    assert broken / draws <= delta + 2 * math.sqrt(delta * (1 - delta) / draws)
    unpaid = nats_a_row(0, rows, delta)
    assert broken < sum(
        any(
            risk > kl_bound(float(error), unpaid)
            for risk, error in zip(risks, generator.binomial(rows, risks) / rows, strict=True)
        )
        for _ in range(draws)
    ), "a choice that is not paid for breaks it more often"
