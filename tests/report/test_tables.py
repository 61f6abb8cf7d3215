from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline.common.artifacts import read_json, write_json
from pipeline.errors import UserError
from pipeline.report.tables import collect, read_tables, relative_gap, write_tables
from pipeline.report.trends import CLAIMS
from tests.report.conftest import CHECKPOINTS, TASKS, baseline, said, write_cell


def test_one_row_a_cell_and_a_probe(results: Path) -> None:
    tables = collect(results, CHECKPOINTS, TASKS)
    assert len(tables.cells) == 12 and len(tables.probes) == 2 * 6
    row = tables.cells.set_index(["checkpoint", "task"]).loc[("s10", "easy")]
    assert (row["step"], row["status"], row["d90"], row["lower"]) == (10, "ok", 512, 256)
    assert row["relative_gap"] == pytest.approx((1.0 - 0.85) / (1 - 0.85))
    assert (row["acc_train"], row["said_acc_train"]) == (1.0, 0.9)
    assert (row["learning_rate"], row["said_learning_rate"]) == (1e-3, 1e-2)
    assert (row["baseline_flop"], row["said_tokens"]) == (1e9, 50)


def test_probes_carry_their_cells_target(results: Path) -> None:
    probes = collect(results, CHECKPOINTS, TASKS).probes
    first = probes[(probes["checkpoint"] == "s0") & (probes["task"] == "easy")].iloc[0]
    assert (first["d"], first["status"]) == (2048, "reached")
    assert first["target"] == pytest.approx(0.72)
    # The probe's own cost, not its cell's.
    assert first["tokens"] == 25


def test_relative_gap_by_hand() -> None:
    assert relative_gap(0.9, 0.8) == pytest.approx(0.5)
    assert relative_gap(0.7, 0.8) == pytest.approx(-0.5)
    assert relative_gap(1.0, 1.0) is None
    assert relative_gap(None, 0.5) is None


def test_summary_tells_how_d90_moves(results: Path) -> None:
    summary = collect(results, CHECKPOINTS, TASKS).summary
    assert summary["tasks"]["easy"] == {
        "d90_last": 32, "status_last": "ok", "full_metric_last": 0.95, "cells_ok": 4, "cells": 4,
        "tau": -1.0, "tau_95": [-1.0, 0.31524], "rho": -1.0, "rho_95": [-1.0, 0.484681],
    }  # fmt: skip
    assert list(summary["trends"]) == list(CLAIMS)
    falls = summary["trends"]["falls"]
    assert falls["verdict"] == "undecided" and falls["p"] == pytest.approx(1 / 24, abs=1e-6)
    # Of the six pairs each, easy has six falling, late four, one tied and one open.
    assert falls["tau"] == pytest.approx(-10 / (12 * 10) ** 0.5, abs=1e-6)
    assert summary["tasks"]["never"]["d90_last"] is None
    assert summary["statuses"] == {"baseline_at_chance": 4, "not_reached": 2, "ok": 6}
    assert summary["flop"] == {"baseline": 12e9, "said": 6e9}


def test_tables_are_the_same_bytes_twice_and_read_back(results: Path, tmp_path: Path) -> None:
    tables = collect(results, CHECKPOINTS, TASKS)
    for name in ("a", "b"):
        write_tables(tables, tmp_path / name)
    for file in ("cells.csv", "probes.csv", "trends.csv", "summary.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    again = read_tables(tmp_path / "a")
    # What is empty everywhere comes back without its type.
    pd.testing.assert_frame_equal(again.cells, tables.cells, check_dtype=False, check_exact=True)
    pd.testing.assert_frame_equal(again.probes, tables.probes, check_dtype=False, check_exact=True)
    pd.testing.assert_frame_equal(again.trends, tables.trends, check_dtype=False, check_exact=True)
    for column in ("d90", "lower", "best_epoch"):
        assert str(again.cells[column].dtype) == "Int64"
    assert again.summary == tables.summary


def test_numbers_come_back_to_the_last_bit(tmp_path: Path) -> None:
    metrics = {f"task{k}": k / 408 for k in range(1, 200, 5)}
    for task, metric in metrics.items():
        full = baseline("s0", task, metric, 0.5)
        write_cell(tmp_path, full, said(full, None, "not_reached"))
    write_tables(collect(tmp_path, {"s0": 0}, list(metrics)), tmp_path)
    assert list(read_tables(tmp_path).cells["full_metric"]) == list(metrics.values())


def test_a_task_may_be_called_like_a_missing_value(tmp_path: Path) -> None:
    full = baseline("s0", "nan", 0.9, 0.95)
    write_cell(tmp_path, full, said(full, 64, "ok"))
    write_tables(collect(tmp_path, {"s0": 0}, ["nan"]), tmp_path)
    assert list(read_tables(tmp_path).cells["task"]) == ["nan"]


@pytest.mark.parametrize("damage", [b"", b"\xff", b"a,b\n1,2\n"])
def test_a_damaged_table_names_the_stage(results: Path, tmp_path: Path, damage: bytes) -> None:
    write_tables(collect(results, CHECKPOINTS, TASKS), tmp_path)
    (tmp_path / "cells.csv").write_bytes(damage)
    with pytest.raises(UserError, match=r"cells\.csv .*run dvc repro collect"):
        read_tables(tmp_path)


def test_left_over_cells_do_not_count(results: Path) -> None:
    assert len(collect(results, {"s0": 0}, ["easy"]).cells) == 1


@pytest.mark.parametrize("stage", ["baseline", "said"])
def test_a_missing_cell_is_named_with_its_stage(results: Path, stage: str) -> None:
    (results / stage / "s10/easy/result.json").unlink()
    message = rf"{stage}/s10/easy/result\.json is missing.*dvc repro {stage}@s10-easy"
    with pytest.raises(UserError, match=message):
        collect(results, CHECKPOINTS, TASKS)


def test_a_cell_without_a_number_that_is_needed_is_named(results: Path) -> None:
    path = results / "baseline/s0/late/result.json"
    write_json(path, {k: v for k, v in read_json(path).items() if k != "acc_train"})
    with pytest.raises(UserError, match=r"result\.json has no acc_train: .*baseline@s0-late"):
        collect(results, CHECKPOINTS, TASKS)


@pytest.mark.parametrize("damage", [None, '{"d": 1', "", "\n"])
def test_damaged_probes_are_named(results: Path, damage: str | None) -> None:
    path = results / "said/s0/easy/trials.jsonl"
    path.unlink()
    if damage is not None:
        path.write_text(damage)
    with pytest.raises(UserError, match=r"said/s0/easy/trials\.jsonl .*said@s0-easy"):
        collect(results, CHECKPOINTS, TASKS)
