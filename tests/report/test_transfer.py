"""Directions of several tasks in the tables and on the page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.errors import UserError
from pipeline.finetuning.result import Cost
from pipeline.report.beyond import Cells
from pipeline.report.page.drawn import figures
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables, collect, read_tables, write_tables
from pipeline.taskspaces.transfer.result import TransferResult, TransferTraining
from tests.report.conftest import CELLS, CHECKPOINTS

SHARED = [cell for cell in CELLS if cell.task in ("easy", "late")]
METRICS = {"own": 0.9, "unified": 0.88, "transferred": 0.8, "random": 0.7}


def write(root: Path, model: str, arms: dict[str, float]) -> None:
    trainings = tuple(
        TransferTraining(task, arm, seed, 6, metric + seed / 50, 10, 1e6)  # type: ignore[arg-type]
        for task in ("easy", "late")
        for arm, metric in arms.items()
        for seed in range(2)
    )
    tasks = {"easy": "accuracy", "late": "accuracy"}
    reason = "" if arms else "fewer than two tasks have directions"
    cost = Cost(len(trainings), 160, 1.6e7)
    result = TransferResult(model, CHECKPOINTS[model], tasks, reason, trainings, cost)
    result.write(root / "transfer" / model)


@pytest.fixture
def tables(results: Path) -> Tables:
    for model in CHECKPOINTS:
        write(results, model, METRICS if model != "s0" else {})
    return collect(results, CELLS, [], further=Cells(transferred=SHARED))


def test_a_row_an_arm_of_each_cell_or_the_reason(tables: Tables) -> None:
    rows = tables.transfer
    assert len(rows) == 2 + 3 * 2 * 4
    row = rows.set_index(["model", "task", "arm"]).loc[("s10", "late", "transferred")]
    assert (row["seeds"], row["dimension"], row["least"]) == (2, 6, 0.8)
    assert row["eval_metric"] == pytest.approx(0.81) and row["eval_low"] < 0.81 < row["eval_high"]
    assert rows[rows["model"] == "s0"].iloc[0]["reason"] == "fewer than two tasks have directions"
    spent = tables.costs.set_index(["stage", "model"])
    assert spent.loc[("transfer", "s10"), "runs"] == 16


def test_they_are_written_read_and_drawn_a_panel_a_task(tables: Tables, tmp_path: Path) -> None:
    write_tables(tables, tmp_path)
    again = read_tables(tmp_path)
    pd.testing.assert_frame_equal(again.transfer, tables.transfer)
    drawn = next(one for one in figures(again, ReportConfig()) if one.name == "transfer")
    assert [panel.title for panel, _ in drawn.panels] == ["easy", "late"]
    assert "those of the other tasks" in str(drawn.panels[0][1])


def test_anothers_result_is_refused_with_its_stage(results: Path) -> None:
    write(results, "s10", METRICS)
    (results / "transfer/s10").rename(results / "transfer/s0")
    with pytest.raises(UserError, match=r"of s10.*transfer@s0"):
        collect(results, CELLS, [], further=Cells(transferred=SHARED))
