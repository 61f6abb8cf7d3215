from __future__ import annotations

import pytest

from benchmarks.minilm import markdown, reaching


def test_the_smallest_d_is_interpolated_in_log_d() -> None:
    assert reaching({16: 0.5, 64: 0.7, 256: 0.9}, 0.8) == pytest.approx(128)
    assert reaching({16: 0.5, 64: 0.7, 256: 0.6}, 0.7) == 64


def test_a_first_d_that_reaches_is_taken_and_none_where_none_does() -> None:
    assert reaching({16: 0.9, 64: 0.7}, 0.8) == 16
    assert reaching({16: 0.5, 64: 0.7}, 0.8) is None


def test_the_table_has_the_default_and_the_best_rate() -> None:
    swept = {
        16: {-2: 0.5, -1: 0.5, 0: 0.6, 1: 0.7, 2: 0.5},
        64: {-2: 0.5, -1: 0.6, 0: 0.9, 1: 0.8, 2: 0.5},
    }
    lines = markdown(swept, 0.25, 1e-4, 1.0)
    assert "κ = 0.062" in lines[2] and "κ = 1 " in lines[2]
    assert lines[4].endswith("| 0.600 | 0.700 |")
    assert lines[-1] == lines[-3].replace("default", "best") == "Smallest d with the best κ: 64"
