from __future__ import annotations

import math

from pipeline.dimension.question import Question
from pipeline.dimension.search import Probe
from pipeline.dimension.witness import Seen, Training, witnesses

QUESTION = Question((10, 100), 0.8, (1e-3, 1e-2), epochs=10, rows=10_000, majority=0.5)
MISS = (0.6,) * 9 + (0.7,)


def test_complete_trainings_with_all_rates_tell_the_accuracy_itself():
    trainings = [Training(Probe(10, 0, rate), MISS, True) for rate in (1e-3, 1e-2)]
    assert witnesses(QUESTION, trainings) == [Seen(10, 0.7, 0.7)]


def test_one_that_ended_at_the_target_is_a_lower_bound():
    passed = Training(Probe(100, 0, 1e-3), (0.7, 0.85), False)
    assert witnesses(QUESTION, [passed]) == [Seen(100, 0.85, math.inf)]


def test_a_hopeless_one_lies_between_what_it_had_and_what_it_could_have_come_to():
    flat = Training(Probe(100, 0, 1e-3), (0.70, 0.71, 0.71, 0.71, 0.71), False)
    (seen,) = witnesses(QUESTION, [flat])
    assert seen.low == 0.71 < seen.high <= 0.8


def test_of_two_rates_the_one_that_could_have_come_further_bounds_both():
    flat = Training(Probe(100, 0, 1e-3), (0.60, 0.61, 0.61, 0.61, 0.61), False)
    better = Training(Probe(100, 0, 1e-2), (0.70, 0.72, 0.73, 0.73, 0.73), False)
    alone, both = witnesses(QUESTION, [better]), witnesses(QUESTION, [flat, better])
    assert alone == both and witnesses(QUESTION, [flat])[0].high < both[0].high


def test_seeds_and_dimensions_are_witnesses_of_their_own_and_rates_are_not():
    better = (*MISS[:-1], 0.75)
    asked = [(10, 0, 1e-3, MISS), (10, 1, 1e-3, MISS), (100, 0, 1e-3, MISS), (10, 0, 1e-2, better)]
    seen = witnesses(QUESTION, [Training(Probe(d, s, r), curve, True) for d, s, r, curve in asked])
    assert [(one.d, one.low) for one in seen] == [(10, 0.75), (10, 0.7), (100, 0.7)]


def test_a_training_that_broke_down_in_its_first_epoch_reached_nothing():
    assert witnesses(QUESTION, [Training(Probe(10, 0, 1e-3), (), True)]) == [Seen(10, 0, 0)]
