from __future__ import annotations

import pytest

from pipeline.dimension.question import Question


def test_a_curve_is_at_the_majority_class_up_to_three_standard_errors():
    question = Question((10,), 0.9, (1e-2,), rows=2500, majority=0.5)
    assert question.error() == pytest.approx(0.006)
    assert question.idle() == pytest.approx(0.53)
