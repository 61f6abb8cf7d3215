from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common.artifacts import write_json
from pipeline.report.costs import costs
from pipeline.report.tables import collect
from tests.report.conftest import CELLS
from tests.report.zoo import write_sweeps


def test_sums_are_those_of_the_cells(results: Path, tmp_path: Path) -> None:
    for task, seconds in (("easy", 30), ("late", 12.5)):
        place = tmp_path / f"timing/search/s10-{task}.json"
        write_json(place, {"seconds": seconds, "device": "cpu", "threads": 2})
    found = costs(collect(results, CELLS, []), tmp_path / "timing")
    items, sums = (found[(found["model"] == "(all)") == yes] for yes in (False, True))
    assert len(items) == 2 * len(CELLS) and list(sums["stage"]) == ["baseline", "search"]
    for name in ("runs", "tokens", "flop", "seconds"):
        summed = items.groupby("stage", sort=False)[name].sum(min_count=1).astype(float)
        assert list(sums[name].astype(float)) == pytest.approx(list(summed), nan_ok=True), name
    assert list(sums["device"]) == ["", "cpu, 2 threads"]


def test_a_sweep_is_a_stage_of_its_own(results: Path, tmp_path: Path) -> None:
    write_json(
        tmp_path / "search/bert_base-mrpc-did.json", {"seconds": 5, "device": "cpu", "threads": 1}
    )
    found = costs(collect(results, [], write_sweeps(results)), tmp_path)
    assert set(found["stage"]) == {"sweep"} and found["seconds"].iloc[0] == 5


def test_nothing_measured_costs_nothing(results: Path, tmp_path: Path) -> None:
    assert costs(collect(results, [], []), tmp_path).empty
