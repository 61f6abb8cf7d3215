from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.report.movement import movement
from pipeline.report.tables import collect
from tests.report.conftest import CELLS, full_result, search_result, write_cell


def moved(results: Path) -> dict[str, dict]:
    return {row["task"]: row for row in collect(results, CELLS, []).movement.to_dict("records")}


def test_a_fall_is_told_with_its_ends_and_its_least_factor(results: Path) -> None:
    rows = moved(results)
    easy = rows["easy"]
    assert (easy["first"], easy["last"], easy["direction"]) == ("s0", "s1000", "falls")
    assert easy["steady"] and easy["apart"]
    # From 2,048 (1,024 to 4,096) to 32 (16 to 64).
    assert (easy["factor"], easy["factor_least"]) == (64, 16)
    together = rows["(all)"]
    assert [together[name] for name in ("tasks", "falling", "rising", "falling_apart")] == [
        3,
        2,
        0,
        2,
    ]


def test_beyond_the_grid_the_factor_counts_from_the_bound(results: Path) -> None:
    late = moved(results)["late"]
    # From at least 3,000 to 1,024 (512 to 2,048): the estimate's factor is not known.
    assert late["factor"] != late["factor"] and late["factor_least"] == pytest.approx(1.46)


def test_without_a_d90_nothing_moves(results: Path) -> None:
    never = moved(results)["never"]
    assert (never["direction"], never["checkpoints"], never["without"]) == ("unknown", 0, 4)


def test_overlapping_intervals_have_no_least_factor(results: Path) -> None:
    full = full_result("s1000", "easy", 0.95, 1.0)
    write_cell(results, full, search_result(full, 1024, "ok"))
    easy = moved(results)["easy"]
    assert (easy["direction"], easy["apart"], easy["steady"]) == ("falls", False, False)
    assert easy["factor"] == 2 and easy["factor_least"] != easy["factor_least"]


def test_a_rise_is_a_factor_too(results: Path) -> None:
    full = full_result("s0", "easy", 0.8, 1.0)
    write_cell(results, full, search_result(full, 16, "ok"))
    full = full_result("s1000", "easy", 0.95, 1.0)
    write_cell(results, full, search_result(full, 1024, "ok"))
    easy = moved(results)["easy"]
    assert (easy["direction"], easy["factor"], easy["factor_least"]) == ("rises", 64, 16)


def test_no_cells_no_rows(results: Path) -> None:
    assert movement(collect(results, [], []).cells) == []
