from __future__ import annotations

import pytest

from pipeline.dimension.binomial import binomial_error
from pipeline.dimension.noise import Noise
from pipeline.dimension.question import Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.success import Levels


def question(**more: float) -> Question:
    return Question((10, 100), 0.8, Rates((1.0,)), full=0.9, chance=0.5, **more)


def test_levels_lie_between_chance_and_full_fine_tuning():
    assert question().levels == Levels(0.5, 0.8, 0.9)


def test_one_evaluation_wobbles_with_its_standard_error_and_never_by_nothing():
    wobbles = [question(target_error=error).wobble for error in (0.0, 0.01, 0.03)]
    assert 0 < wobbles[0] < 0.005
    assert wobbles[2] - wobbles[1] == pytest.approx(0.01)


def test_the_targets_error_is_shared_by_all_trainings():
    plain, unsure = question(target_error=0.01), question(target_error=0.01, full_error=0.02)
    assert plain.noise.own == unsure.noise.own == pytest.approx(0.01 / 2**0.5)
    assert unsure.noise.shared**2 == pytest.approx(plain.noise.shared**2 + 0.02**2)
    assert question().noise == Noise(0.0, 0.0)


def test_the_error_of_an_accuracy_is_binomial_and_none_outside_of_0_to_1():
    assert binomial_error(0.9, 2500) == pytest.approx(0.006)
    assert binomial_error(1.2, 10) == binomial_error(-0.1, 10) == 0
