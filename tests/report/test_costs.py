from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common.sealed import write_sealed
from pipeline.errors import UserError
from pipeline.report.tables import collect
from tests.report.conftest import CELLS
from tests.report.zoo import write_sweeps


def test_sums_are_those_of_the_cells(results: Path) -> None:
    for task in ("easy", "late"):
        place = results / f"machine/search/s10-{task}.json"
        write_sealed(place, {"item": f"search@s10-{task}", "device": "cpu", "threads": 2})
    found = collect(results, CELLS, []).costs
    items, sums = (found[(found["model"] == "(all)") == yes] for yes in (False, True))
    assert len(items) == 2 * len(CELLS) and list(sums["stage"]) == ["baseline", "search"]
    for name in ("runs", "tokens", "flop"):
        summed = items.groupby("stage", sort=False)[name].sum().astype(float)
        assert list(sums[name].astype(float)) == pytest.approx(list(summed)), name
    assert list(sums["device"]) == ["", "cpu"]
    # Of other searches nothing is filed, so not all are known to have had two threads.
    assert sums["threads"].isna().all() and items["threads"].dropna().tolist() == [2, 2]


def test_a_sweep_is_a_stage_of_its_own(results: Path) -> None:
    sweeps = write_sweeps(results)
    for sweep in sweeps:
        key = f"{sweep.cell.model}-{sweep.cell.task}-{sweep.method}"
        facts = {"item": f"search@{key}", "device": "cpu", "threads": 1}
        write_sealed(results / f"machine/search/{key}.json", facts)
    found = collect(results, [], sweeps).costs
    assert set(found["stage"]) == {"sweep"} and set(found["threads"]) == {1}


def test_a_damaged_record_of_a_machine_is_not_believed(results: Path) -> None:
    place = results / "machine/search/s10-easy.json"
    facts = {"item": "search@s10-easy", "device": "cpu", "threads": 2}
    write_sealed(place, facts)
    place.write_text(place.read_text().replace("2", "3", 1))
    with pytest.raises(UserError, match=r"s10-easy\.json is missing"):
        collect(results, CELLS, [])
    write_sealed(place, {**facts, "item": "search@s0-easy"})
    with pytest.raises(UserError, match=r"is the result of search@s0-easy, not of search@s10-easy"):
        collect(results, CELLS, [])


def test_nothing_measured_costs_nothing(results: Path) -> None:
    assert collect(results, [], []).costs.empty
