from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import UserError
from pipeline.report.tables import collect, read_tables, relative_gap, write_tables
from tests.report.conftest import CHECKPOINTS, TASKS


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
        "kendall_tau": -1.0,
    }  # fmt: skip
    assert summary["tasks"]["never"]["d90_last"] is None
    assert summary["statuses"] == {"baseline_at_majority": 4, "not_reached": 2, "ok": 6}
    assert summary["flop"] == {"baseline": 12e9, "said": 6e9}


def test_tables_are_the_same_bytes_twice_and_read_back(results: Path, tmp_path: Path) -> None:
    tables = collect(results, CHECKPOINTS, TASKS)
    for name in ("a", "b"):
        write_tables(tables, tmp_path / name)
    for file in ("cells.csv", "probes.csv", "summary.json"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    again = read_tables(tmp_path / "a")
    assert again.cells["d90"].equals(tables.cells["d90"])
    assert list(again.cells["reason"]) == list(tables.cells["reason"])


def test_left_over_cells_do_not_count(results: Path) -> None:
    assert len(collect(results, {"s0": 0}, ["easy"]).cells) == 1


def test_a_missing_cell_is_named(results: Path) -> None:
    (results / "said/s10/easy/result.json").unlink()
    with pytest.raises(UserError, match=r"said/s10/easy/result\.json is missing"):
        collect(results, CHECKPOINTS, TASKS)
