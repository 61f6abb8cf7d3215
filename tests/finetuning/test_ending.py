from __future__ import annotations

import numpy as np

from pipeline.finetuning.ending import LittleToGain

EVALUATIONS = 10
CURVE = [0.5 + 0.3 * -float(np.expm1(-0.7 * k)) for k in range(1, EVALUATIONS + 1)]
IDLE = [0.5] * EVALUATIONS


def end(rule: LittleToGain, curve: list[float]) -> int:
    """After how many evaluations the run ends."""
    return next(
        (
            seen
            for seen in range(1, len(curve))
            if rule.ends(curve[:seen], len(curve), chance=0.5, error=0.01)
        ),
        len(curve),
    )


def test_a_run_ends_when_little_is_to_be_gained_and_loses_no_more() -> None:
    ends = [end(LittleToGain(gain), CURVE) for gain in (0.0, 0.01, 0.02, 0.05)]
    assert ends == sorted(ends, reverse=True) and EVALUATIONS > ends[1] > ends[-1] > 1
    lost = CURVE[-1] - CURVE[end(LittleToGain(0.02), CURVE) - 1]
    assert 0 < lost < 0.02


def test_nothing_is_gained_above_a_perfect_metric() -> None:
    assert end(LittleToGain(0.0), [0.6, 0.9, 1.0, *[1.0] * 7]) == 3
    assert end(LittleToGain(0.0, beat=1.0), CURVE) == 1


def test_an_idle_run_is_given_time_to_rise() -> None:
    assert end(LittleToGain(0.002), IDLE) >= 7


def test_a_run_that_another_one_is_ahead_of_ends_early() -> None:
    ahead = LittleToGain(0.002, beat=0.95)
    assert end(ahead, CURVE) < end(LittleToGain(0.002), CURVE)
    assert end(ahead, CURVE) <= 6


def test_a_run_that_is_ahead_of_the_other_ends_as_if_alone() -> None:
    assert end(LittleToGain(0.002, beat=0.6), CURVE) == end(LittleToGain(0.002), CURVE)
