from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.stopping import Stop, StopRule, never, resumed

curves = st.lists(st.sampled_from([0.5, 0.6, 0.7, 0.8]), min_size=1, max_size=8)
PROBE = Probe(10, 0, 1e-2)
rules: list[Stop] = [
    never,
    lambda curve: Ending.REACHED if curve[-1] >= 0.7 else None,
    lambda curve: Ending.BEHIND if curve[-1] >= 0.7 else None,
    lambda curve: Ending.HOPELESS if len(curve) >= 3 and max(curve) < 0.6 else None,
]


def trained(whole: Sequence[float], stop: Stop) -> Record:
    """What training under a rule leaves when the epochs would go as in ``whole``."""
    for length in range(1, len(whole) + 1):
        if ended := stop(whole[:length]):
            return Record(PROBE, tuple(whole[:length]), ended)
    return Record(PROBE, tuple(whole))


@given(curves, st.sampled_from(rules), st.sampled_from(rules))
def test_a_record_serves_again_exactly_where_training_would_leave_its_curve(whole, old, new):
    record, fresh = trained(whole, old), trained(whole, new)
    again = resumed(record, new)
    if again is not None:
        assert again == fresh
    else:
        # Whether a rule ended it in its very last epoch the curve alone does not tell.
        assert record.curve != fresh.curve or fresh.ended is Ending.COMPLETE


def test_a_record_takes_the_reason_of_the_rule_that_it_serves():
    left = trained([0.5, 0.7, 0.8], rules[1])
    assert resumed(left, rules[2]) == replace(left, ended=Ending.BEHIND)


def test_a_training_that_broke_down_in_its_first_epoch_is_a_record_too():
    broken = Record(PROBE, (), Ending.DIVERGED)
    assert resumed(broken, rules[1]) == broken


def test_what_broke_down_is_trained_again_where_a_rule_ends_before():
    broken = Record(PROBE, (0.6, 0.7), Ending.DIVERGED)
    assert resumed(broken, never) == broken
    assert resumed(broken, rules[1]) is None


def rule(**changes) -> StopRule:
    return replace(StopRule(target=0.8, error=0.01, epochs=10), **changes)


def test_one_epoch_just_at_the_target_goes_on_and_a_second_ends_it():
    assert not rule()([0.7, 0.8])
    assert rule()([0.7, 0.8, 0.75, 0.801])
    assert rule(confirm=False)([0.7, 0.8])
    assert not rule(at_target=False)([0.7, 0.9, 0.9])


def test_one_clear_epoch_is_proof():
    assert rule()([0.7, 0.811]) and Record(PROBE, (0.7, 0.811)).proven(0.8, 0.01)
    assert not Record(PROBE, (0.7, 0.801)).proven(0.8, 0.01)


def test_a_flat_curve_far_below_is_hopeless_and_a_rising_one_is_not():
    flat = [0.50, 0.60, 0.62, 0.63, 0.63]
    assert rule()(flat) and not rule(futility=False)(flat)
    assert not rule()([0.50, 0.58, 0.65, 0.71, 0.76])


def test_nothing_is_hopeless_in_the_first_epochs():
    assert not any(rule()([0.5] * done) for done in range(1, 3))
    assert rule()([0.5] * 3)


def test_a_curve_still_at_the_majority_class_has_longer():
    waiting = rule(idle=0.53)
    assert not any(waiting([0.5] * done) for done in range(1, 6)) and waiting([0.5] * 6)
    assert not waiting([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.62])


def test_a_curve_that_has_just_left_the_majority_class_is_not_judged_yet():
    rising = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.56, 0.57, 0.58, 0.58]
    waiting = rule(idle=0.53, epochs=20)
    assert not any(waiting(rising[:done]) for done in range(1, 11))
    assert waiting([*rising, 0.58, 0.58]) and rule(epochs=20)(rising)


def test_a_rate_far_behind_one_that_missed_is_left():
    rival = rule(rival=(0.60, 0.70, 0.75, 0.76), futility=False)
    assert rival([0.60, 0.68]) and not rival([0.60]) and not rival([0.60, 0.695])
    assert not rule(futility=False)([0.60, 0.68])


def test_a_smaller_rate_has_half_of_the_epochs_to_catch_up():
    rival = rule(rival=(0.60, 0.70, 0.75, 0.76, 0.77), slower=True, futility=False)
    assert not any(rival([0.6] * done) for done in range(1, 5)) and rival([0.6] * 5)


def test_a_rival_still_at_the_majority_class_is_nobodys_rival():
    rival = rule(rival=(0.50, 0.54, 0.70), futility=False, idle=0.55)
    assert not rival([0.45, 0.45]) and rival([0.45, 0.45, 0.45])


def test_after_the_target_was_reached_once_the_rest_is_awaited():
    assert not rule()([0.8, 0.5, 0.5, 0.5, 0.5])


@pytest.mark.parametrize(
    ("made", "curve", "ended"),
    [
        (rule(), [0.7, 0.9], Ending.REACHED),
        (rule(), [0.5] * 3, Ending.HOPELESS),
        (rule(rival=(0.60, 0.70)), [0.60, 0.68], Ending.BEHIND),
        (rule(), [0.5], None),
    ],
)
def test_a_rule_says_for_what_it_ends_a_training(made, curve, ended):
    assert made(curve) is ended
