from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from pipeline.dimension.question import Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.stopping import Stop, StopRule, never, resumed

curves = st.lists(st.sampled_from([0.5, 0.6, 0.7, 0.8]), min_size=1, max_size=8)
PROBE = Probe(10, 0, 1e-2)
rules: list[Stop] = [
    never,
    lambda curve: Ending.REACHED if curve[-1] >= 0.7 else None,
    lambda curve: Ending.HOPELESS if curve[-1] >= 0.7 else None,
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
    assert resumed(left, rules[2]) == replace(left, ended=Ending.HOPELESS)


def test_a_training_that_broke_down_in_its_first_epoch_is_a_record_too():
    broken = Record(PROBE, (), Ending.DIVERGED)
    assert resumed(broken, rules[1]) == broken


def test_what_broke_down_is_trained_again_where_a_rule_ends_before():
    broken = Record(PROBE, (0.6, 0.7), Ending.DIVERGED)
    assert resumed(broken, never) == broken
    assert resumed(broken, rules[1]) is None


QUESTION = Question(
    (10, 100), 0.8, Rates((1e-2,)), full=0.9, evaluations=10, chance=0.5, target_error=0.01
)
FLAT = (0.60, 0.68, 0.70, 0.71, 0.71, 0.71, 0.71)
RISING = (0.55, 0.60, 0.65, 0.69, 0.73, 0.76)


def rule(expected: tuple[float, float] | None = None) -> StopRule:
    return StopRule(QUESTION, expected)


def test_the_first_evaluation_at_the_target_ends_a_training():
    assert rule()([0.7, 0.79]) is None
    assert rule()([0.7, 0.8]) is Ending.REACHED


def test_a_curve_that_levels_off_far_below_is_hopeless_and_a_rising_one_is_not():
    assert rule()(FLAT) is Ending.HOPELESS
    assert rule()(RISING) is None


def test_no_training_ends_because_little_was_expected_of_it():
    little = rule((0.67, 0.06))
    assert little.chance([0.52]) < 0.1
    assert little([0.52]) is None
    assert little([0.5] * 9) is Ending.HOPELESS


def test_nothing_is_hopeless_in_its_first_evaluations():
    assert rule()(FLAT[:1]) is None and rule()([0.5, 0.5]) is None


def test_a_curve_still_at_chance_has_longer_than_one_that_levelled_off():
    assert rule()([0.5] * 4) is None
    assert rule()([0.5] * 9) is Ending.HOPELESS


def test_the_chance_to_reach_falls_while_a_curve_stays():
    chances = [rule().chance(FLAT[:length]) for length in range(2, len(FLAT) + 1)]
    assert chances == sorted(chances, reverse=True) and chances[-1] < 0.05 < 0.3 < chances[0]


def test_trainings_before_it_make_a_training_hopeless_sooner_but_not_alone():
    """What others came to is an expectation, left open by a tenth of the way to full."""
    low, high = rule((0.6, 0.01)), rule((0.85, 0.01))
    start = [0.52, 0.53, 0.54]
    assert low.chance(start) < 0.05 < 0.5 < high.chance(start)
    assert low(RISING) is None
    assert high(FLAT) is Ending.HOPELESS


def test_what_reached_is_certain_to_reach():
    assert rule((0.5, 0.01)).chance([0.6, 0.81, 0.7]) == 1.0


def test_a_training_that_had_all_of_its_evaluations_is_complete_and_not_hopeless():
    """There is nothing left to spare: the tables call it missed, not stopped."""
    question = Question((16, 32), 0.8, Rates((1.0,)), evaluations=4, chance=0.5)
    rule = StopRule(question)
    assert rule((0.5, 0.5, 0.5, 0.5)) is None
    assert rule((0.5, 0.5, 0.5, 0.8)) is Ending.REACHED
