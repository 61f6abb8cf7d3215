from __future__ import annotations

import math

from pipeline.dimension.bounds import Bound, bounds
from pipeline.dimension.question import Question
from pipeline.dimension.record import Ending, Probe, Record

QUESTION = Question(
    (10, 100), 0.8, (1e-3, 1e-2), epochs=10, chance=0.5, chance_error=0.005, target_error=0.004
)
MISS = (0.6,) * 9 + (0.7,)


def test_complete_trainings_with_all_rates_tell_the_accuracy_itself():
    trainings = [Record(Probe(10, 0, rate), MISS) for rate in (1e-3, 1e-2)]
    assert bounds(QUESTION, trainings) == [Bound(10, 0.7, 0.7)]


def test_one_that_ended_at_the_target_is_a_lower_bound():
    passed = Record(Probe(100, 0, 1e-3), (0.7, 0.85), Ending.REACHED)
    assert bounds(QUESTION, [passed]) == [Bound(100, 0.85, math.inf)]


def test_a_hopeless_one_lies_between_what_it_had_and_what_it_could_have_come_to():
    flat = Record(Probe(100, 0, 1e-3), (0.70, 0.71, 0.71, 0.71, 0.71), Ending.HOPELESS)
    (seen,) = bounds(QUESTION, [flat])
    assert seen.low == 0.71 < seen.high <= 0.8


def test_of_two_rates_the_one_that_could_have_come_further_bounds_both():
    flat = Record(Probe(100, 0, 1e-3), (0.60, 0.61, 0.61, 0.61, 0.61), Ending.HOPELESS)
    better = Record(Probe(100, 0, 1e-2), (0.70, 0.72, 0.73, 0.73, 0.73), Ending.HOPELESS)
    alone, both = bounds(QUESTION, [better]), bounds(QUESTION, [flat, better])
    assert alone == both and bounds(QUESTION, [flat])[0].high < both[0].high


def test_seeds_and_dimensions_are_witnesses_of_their_own_and_rates_are_not():
    better = (*MISS[:-1], 0.75)
    asked = [(10, 0, 1e-3, MISS), (10, 1, 1e-3, MISS), (100, 0, 1e-3, MISS), (10, 0, 1e-2, better)]
    seen = bounds(QUESTION, [Record(Probe(d, s, r), curve) for d, s, r, curve in asked])
    assert [(one.d, one.low) for one in seen] == [(10, 0.75), (10, 0.7), (100, 0.7)]


def test_a_training_that_broke_down_in_its_first_epoch_reached_nothing():
    assert bounds(QUESTION, [Record(Probe(10, 0, 1e-3), (), Ending.DIVERGED)]) == [Bound(10, 0, 0)]
