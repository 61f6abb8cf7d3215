from __future__ import annotations

import pytest

from pipeline.training.schedules import decayed, schedule


def test_linear_schedule_rises_and_falls() -> None:
    rate = schedule("linear", 1.0, 4, 10)
    assert [rate(index) for index in range(4)] == [0.25, 0.5, 0.75, 1.0]
    assert rate(4) == 1.0
    assert rate(7) == pytest.approx(0.5)
    assert rate(10) == rate(50) == 0


def test_constant_schedule_does_not_know_its_horizon() -> None:
    near, far = schedule("constant", 1.0, 4, 10), schedule("constant", 1.0, 4, 1000)
    assert [near(index) for index in range(2000)] == [far(index) for index in range(2000)]
    assert near(1999) == 1.0


def test_no_warm_up_starts_at_the_peak() -> None:
    assert schedule("linear", 0.3, 0, 10)(0) == 0.3


def test_a_decay_falls_from_the_rate_to_zero() -> None:
    rate = decayed(schedule("constant", 2.0, 0, 1), 4, 8)
    assert [rate(index) for index in range(4, 9)] == [2.0, 1.5, 1.0, 0.5, 0.0]
