from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.report.comparison.cells import BY_CHANCE, Agreement, compared, counts
from pipeline.report.comparison.studies import Study, read_studies


def verdicts(cells: pd.DataFrame) -> dict[tuple[str, str], str]:
    return {(row["task"], row["at"]): row["agreement"] for _, row in cells.iterrows()}


def test_cells_differ_where_their_intervals_have_no_d_in_common(studies: tuple[Path, Path]) -> None:
    cells = compared(read_studies([str(one) for one in studies]))
    found = verdicts(cells)
    assert found["easy", "update 10"] == "differs" and found["easy", "update 0"] == "overlaps"
    assert found["late", "update 100"] == "one-sided" and found["never", "update 0"] == "none"
    # Both above the grid: their intervals, open above, overlap.
    assert found["late", "update 0"] == "overlaps"
    assert counts(cells) == {
        Agreement.DIFFERS: 1, Agreement.OVERLAPS: 6, Agreement.ONE_SIDED: 1, Agreement.NONE: 4,
    }  # fmt: skip
    moved = cells[(cells["task"] == "easy") & (cells["step"] == 10)]
    assert list(moved["apart"]) == ["one > two"] * 2 and list(moved["study"]) == ["one", "two"]


def made(name: str, **changes: object) -> Study:
    """A study of one cell."""
    cell = {
        "model": "s8", "label": "s8", "family": "trajectory", "step": 8, "unit": "updates",
        "task": "t", "status": "ok", "d90": 100, "d90_low": 50, "d90_high": 200,
        "d90_above": True, **changes,
    }  # fmt: skip
    return Study(name, name, "", pd.DataFrame([cell]), {}, {})


@pytest.mark.parametrize(
    ("one", "two", "agreement"),
    [
        ({}, {"d90_low": 200, "d90_high": 900}, "overlaps"),
        ({}, {"d90_low": 201, "d90_high": 900}, "differs"),
        ({}, {"status": "not_reached", "d90": None, "d90_low": 300, "d90_high": None}, "differs"),
        ({}, {"status": "below_grid", "d90": None, "d90_low": None, "d90_high": 40}, "differs"),
        ({"d90_high": None}, {"d90_low": 400, "d90_high": 900}, "overlaps"),
        ({}, {"status": "diverged"}, "one-sided"),
        # Checkpoints are the same cell by their step, models of the zoo by their label.
        ({}, {"model": "u8", "label": "u8"}, "overlaps"),
        ({}, {"step": 9}, "alone"),
        ({"family": "zoo"}, {"family": "zoo", "model": "m"}, "overlaps"),
        ({"family": "zoo"}, {"family": "zoo", "label": "M"}, "alone"),
    ],
)  # fmt: skip
def test_what_two_studies_say_of_a_cell(one: dict, two: dict, agreement: str) -> None:
    assert set(compared([made("a", **one), made("b", **two)])["agreement"]) == {agreement}


def test_of_three_studies_it_is_said_which_are_apart() -> None:
    low, high = {"d90_low": 1, "d90_high": 2}, {"d90_low": 400, "d90_high": 900}
    cells = compared([made("a"), made("b", **low), made("c", **high)])
    assert cells["apart"].iloc[0] == "a > b; c > a; c > b"


def test_two_checkpoints_of_one_update_are_two_cells() -> None:
    twice = made("a").cells
    branch = Study(
        "a", "a", "", pd.concat([twice, twice.assign(model="b8")], ignore_index=True), {}, {}
    )
    assert set(compared([branch, branch])["at"]) == {"update 8 (s8)", "update 8 (b8)"}


def test_by_chance_is_the_normal_distributions() -> None:
    from scipy.stats import norm

    assert pytest.approx(2 * norm.sf(2 * 1.959964 / 2**0.5), rel=0.01) == BY_CHANCE
