from __future__ import annotations

import re

from benchmarks.beyond import _gap, memory


def test_the_memory_of_directions_is_told_and_they_are_those_of_an_svd() -> None:
    line = memory(6, 400_000)
    angle = re.search(r"direct SVD ([\d.e-]+)$", line)
    assert line.startswith("6 snapshots of 400,000 numbers (10 MB)") and angle
    assert float(angle[1]) < 1e-5


def test_gaps_are_taken_seed_by_seed() -> None:
    assert _gap((0.9, 0.8, 0.7), (0.8, 0.7, 0.6)) == "+0.100 ± 0.000"
    assert _gap((0.9,), (0.8,)) == "–" == _gap((0.9, 0.8), (0.8,))
