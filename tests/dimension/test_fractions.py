from __future__ import annotations

import pytest

from pipeline.dimension.fractions import Reading, read

GRID = (10, 20, 30, 40)
CASES = {
    "both ends known": ({10: False, 20: False, 30: True}, Reading(30, 20, 30)),
    "the smallest reaches": ({10: True, 30: True}, Reading(10, None, 10)),
    "a gap below": ({10: False, 30: True}, Reading(None, 10, 30, "d = 30 reaches and 10 misses")),
    "undecided below": ({20: None, 30: True}, Reading(None, None, 30, "nothing smaller is known")),
    "a miss above does not count": ({10: False, 20: True, 40: False}, Reading(20, 10, 20)),
    "none reaches": ({40: False}, Reading(None, 40, None, "d = 40, the largest of the grid")),
    "none went far enough": ({30: False, 40: None}, Reading(None, 30, None, "no probe went on")),
}


@pytest.mark.parametrize("case", CASES)
def test_a_reading_says_what_is_known_and_no_more(case):
    known, expected = CASES[case]
    found = read(GRID, known)
    assert (found.d, found.lower, found.upper) == (expected.d, expected.lower, expected.upper)
    assert found.reason.startswith(expected.reason) or expected.reason in found.reason
    assert bool(found.reason) == (found.d is None)
