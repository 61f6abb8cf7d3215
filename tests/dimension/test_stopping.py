from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.dimension.stopping import Stop, StopRule, never, proven, suffices

curves = st.lists(st.sampled_from([0.5, 0.6, 0.7, 0.8]), min_size=1, max_size=8)
rules: list[Stop] = [never, lambda c: c[-1] >= 0.7, lambda c: len(c) >= 3 and max(c) < 0.6]


def trained(whole: Sequence[float], stop: Stop) -> dict:
    """What training under a rule leaves when the epochs would go as in ``whole``."""
    for length in range(1, len(whole) + 1):
        if stop(whole[:length]):
            return {"curve": list(whole[:length]), "complete": length == len(whole)}
    return {"curve": list(whole), "complete": True}


@given(curves, st.sampled_from(rules), st.sampled_from(rules))
def test_a_record_suffices_exactly_where_training_again_would_leave_it(whole, old, new):
    record = trained(whole, old)
    assert suffices(record, new) == (record == trained(whole, new))


def test_a_training_that_broke_down_in_its_first_epoch_is_a_record_too():
    assert suffices({"curve": [], "complete": True}, rules[1])


def rule(**changes) -> StopRule:
    return replace(StopRule(target=0.8, error=0.01, epochs=10), **changes)


def test_one_epoch_just_at_the_target_goes_on_and_a_second_ends_it():
    assert not rule()([0.7, 0.8])
    assert rule()([0.7, 0.8, 0.75, 0.801])
    assert rule(confirm=False)([0.7, 0.8])
    assert not rule(at_target=False)([0.7, 0.9, 0.9])


def test_one_clear_epoch_is_proof():
    assert rule()([0.7, 0.811]) and proven([0.7, 0.811], 0.8, 0.01)
    assert not proven([0.7, 0.801], 0.8, 0.01)


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
