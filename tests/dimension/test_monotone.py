from __future__ import annotations

from pipeline.dimension.monotone import violations


def test_a_larger_dimension_that_misses_is_a_violation():
    assert violations({10: True, 20: False, 30: True, 40: False}) == [(10, 20), (10, 40), (30, 40)]


def test_a_monotone_world_has_none():
    assert violations({30: True, 10: False, 20: False}) == []
