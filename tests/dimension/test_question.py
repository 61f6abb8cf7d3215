from __future__ import annotations

import pytest

from pipeline.dimension.binomial import binomial_error
from pipeline.dimension.question import Question


def test_a_curve_is_at_chance_up_to_three_standard_errors():
    error = binomial_error(0.5, 2500)
    question = Question((10,), 0.9, (1e-2,), chance=0.5, chance_error=error)
    assert question.idle() == pytest.approx(0.53)


def test_the_error_of_an_accuracy_is_binomial_and_none_outside_of_0_to_1():
    assert binomial_error(0.9, 2500) == pytest.approx(0.006)
    assert binomial_error(1.2, 10) == binomial_error(-0.1, 10) == 0
