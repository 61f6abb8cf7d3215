from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import pandas as pd
import pytest

from pipeline.common.artifacts import read_json
from pipeline.common.sealed import read_sealed, write_jsonl, write_sealed
from pipeline.errors import UserError
from pipeline.finetuning.result import FullResult
from pipeline.probes.result import SearchResult
from pipeline.report.cell import CellSettings, MeasuredCell
from pipeline.report.columns import cell_columns, cell_row, relative_gap
from pipeline.report.tables import NAMES, collect, read_tables, write_tables
from pipeline.report.trends import CLAIMS
from tests.report.conftest import CELLS, full_result, search_result, trial, write_cell, write_search
from tests.report.zoo import LAYERS, PROBES, write_sweeps, write_zoo


def of_s0(task: str) -> MeasuredCell:
    return MeasuredCell("s0", "s0", "trajectory", task, "updates", 0)


def test_one_row_a_cell_and_a_probe(results: Path) -> None:
    tables = collect(results, CELLS, [])
    assert len(tables.cells) == 12 and len(tables.probes) == 2 * 6
    row = tables.cells.set_index(["model", "task"]).loc[("s10", "easy")]
    assert (row["step"], row["status"], row["d90"], row["lower"]) == (10, "ok", 512, 256)
    assert (row["d90_paper"], row["task_d"], row["rate"]) == (513, 513, 0.5)
    assert (row["ended"], row["monotone"], row["target_error"]) == ("precision", True, 0.02)
    assert row["relative_gap"] == pytest.approx((1.0 - 0.85) / (1 - 0.85))
    assert (row["full_train_metric"], row["search_train_metric"]) == (1.0, 0.9)
    assert (row["full_learning_rate"], row["search_learning_rate"]) == (1e-3, 1e-2)
    assert (row["full_cost_flop"], row["search_cost_tokens"]) == (1e9, 50)
    assert (row["tokens_seen"], row["violations"], row["family"]) == (80, 1, "trajectory")


def test_probes_carry_their_cells_target(results: Path) -> None:
    probes = collect(results, CELLS, []).probes
    first = probes[(probes["model"] == "s0") & (probes["task"] == "easy")].iloc[0]
    assert (first["d"], first["status"]) == (2049, "reached")
    assert first["target"] == pytest.approx(0.72)
    # The probe's own cost, not its cell's.
    assert first["tokens"] == 25
    assert (first["d90"], first["projection"], first["d_max"]) == (2048, "fastfood", 4096)


def test_rows_carry_the_settings_of_their_trainings(results: Path) -> None:
    settings = CellSettings(batch=16, full_epochs=3, optimizer="adamw")
    cell = MeasuredCell("s0", "s0", "trajectory", "easy", "updates", 0, settings=settings)
    tables = collect(results, [cell], [])
    for table in (tables.cells, tables.probes):
        row = table.iloc[0]
        assert (row["settings_batch"], row["settings_full_epochs"]) == (16, 3)
        assert row["settings_optimizer"] == "adamw" and pd.isna(row["settings_dropout"])


def test_relative_gap_by_hand() -> None:
    assert relative_gap(0.9, 0.8) == pytest.approx(0.5)
    assert relative_gap(0.7, 0.8) == pytest.approx(-0.5)
    assert relative_gap(1.0, 1.0) is None
    assert relative_gap(None, 0.5) is None


def test_summary_tells_how_d90_moves(results: Path) -> None:
    summary = collect(results, CELLS, []).summary
    assert summary["tasks"]["easy"] == {
        "d90_last": 32, "d90_last_95": [16, 64], "d90_paper_last": 33, "status_last": "ok",
        "ended_last": "precision", "full_metric_last": 0.95, "cells_ok": 4, "cells": 4,
        "tau": -1.0, "tau_95": [-1.0, 0.31524], "rho": -1.0, "rho_95": [-1.0, 0.484681],
    }  # fmt: skip
    assert list(summary["trends"]) == [name for name in CLAIMS if not CLAIMS[name].beyond]
    falls = summary["trends"]["falls"]
    assert falls["verdict"] == "undecided" and falls["p"] == pytest.approx(1 / 24, abs=1e-6)
    # Of the six pairs each, easy has six falling, late four, one tied and one open.
    assert falls["tau"] == pytest.approx(-10 / (12 * 10) ** 0.5, abs=1e-6)
    assert summary["tasks"]["never"]["d90_last"] is None
    assert summary["statuses"] == {"baseline_at_chance": 4, "not_reached": 2, "ok": 6}
    assert summary["flop"] == {"baseline": 12e9, "search": 6e9}
    assert summary["ended"] == {"beyond": 2, "precision": 6} and summary["not_monotone"] == 0


def test_dvc_shows_few_numbers(results: Path, tmp_path: Path) -> None:
    write_tables(collect(results, CELLS, []), tmp_path)
    assert read_json(tmp_path / "metrics.json") == {
        "d90": {"easy": 32, "late": 1024, "never": None},
        "metric": {"easy": 0.95, "late": 0.7, "never": 0.5},
        "tau": pytest.approx(-10 / (12 * 10) ** 0.5, abs=1e-6),
        "cells": 12, "with_d90": 6, "flop": 18e9,
    }  # fmt: skip


def test_summary_counts_what_limits_the_estimates(results: Path) -> None:
    full = full_result("s0", "easy", 0.8, 0.9)
    search = search_result(full, 64, "ok", monotone=False, deviations=("short probes",))
    write_cell(results, full, search)
    summary = collect(results, CELLS, []).summary
    assert summary["not_monotone"] == 1 and summary["deviations"]["search"] == ["short probes"]


def test_the_estimate_stands_near_the_front() -> None:
    columns = list(cell_columns())
    place = columns.index("d90")
    assert columns[place : place + 5] == ["d90", "d90_low", "d90_high", "d90_above", "d90_paper"]
    assert place < 12


def test_deviations_of_full_fine_tuning_are_a_column_beside_the_searchs() -> None:
    assert list(cell_columns())[-5:-2] == ["full_deviations", "deviations", "fractions"]
    full = full_result("s0", "easy", 0.8, 0.9, deviations=("a",), runs=(0.5, 1))
    row = cell_row(CELLS[0], full, search_result(full, 64, "ok", deviations=("b",)))
    assert (row["full_deviations"], row["deviations"], row["runs"]) == ("a", "b", "0.5; 1")


def test_results_of_the_end_of_a_search_are_read_strictly(tmp_path: Path) -> None:
    search = search_result(full_result("s0", "easy", 0.8, 0.9), 64, "ok")
    search.write(tmp_path / "result.json")
    assert SearchResult.read(tmp_path / "result.json") == search
    write_sealed(
        tmp_path / "result.json", {**read_sealed(tmp_path / "result.json"), "ended": "tired"}
    )
    with pytest.raises(UserError, match=r"ended.*precision, budget, settled, beyond"):
        SearchResult.read(tmp_path / "result.json")


def test_tables_are_the_same_bytes_twice_and_read_back(results: Path, tmp_path: Path) -> None:
    tables = collect(results, CELLS, [])
    for name in ("a", "b"):
        write_tables(tables, tmp_path / name)
    files = [path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.*")]
    # Every table thrice: as CSV, as Parquet, and all in one workbook; and two of numbers.
    assert len(files) == len(NAMES) + len(NAMES) + 1 + 2
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    again = read_tables(tmp_path / "a")
    # What is empty everywhere comes back without its type.
    pd.testing.assert_frame_equal(again.cells, tables.cells, check_dtype=False, check_exact=True)
    pd.testing.assert_frame_equal(again.probes, tables.probes, check_dtype=False, check_exact=True)
    pd.testing.assert_frame_equal(again.trends, tables.trends, check_dtype=False, check_exact=True)
    for column in ("d90", "d90_paper", "task_d", "lower", "full_best_epoch"):
        assert str(again.cells[column].dtype) == "Int64"
    assert again.summary == tables.summary


def test_numbers_come_back_to_the_last_bit(tmp_path: Path) -> None:
    metrics = {f"task{k}": k / 408 for k in range(1, 200, 5)}
    for task, metric in metrics.items():
        full = full_result("s0", task, metric, 0.5)
        write_cell(tmp_path, full, search_result(full, None, "not_reached"))
    write_tables(collect(tmp_path, [of_s0(task) for task in metrics], []), tmp_path)
    assert list(read_tables(tmp_path).cells["full_metric"]) == list(metrics.values())


def test_a_task_may_be_called_like_a_missing_value(tmp_path: Path) -> None:
    full = full_result("s0", "nan", 0.9, 0.95)
    write_cell(tmp_path, full, search_result(full, 64, "ok"))
    write_tables(collect(tmp_path, [of_s0("nan")], []), tmp_path)
    assert list(read_tables(tmp_path).cells["task"]) == ["nan"]


@pytest.mark.parametrize("damage", [b"", b"\xff", b"a,b\n1,2\n"])
def test_a_damaged_table_names_the_stage(results: Path, tmp_path: Path, damage: bytes) -> None:
    write_tables(collect(results, CELLS, []), tmp_path)
    (tmp_path / "cells.csv").write_bytes(damage)
    with pytest.raises(UserError, match=r"cells\.csv .*run dvc repro collect"):
        read_tables(tmp_path)


def test_left_over_cells_do_not_count(results: Path) -> None:
    assert len(collect(results, CELLS[:1], []).cells) == 1


@pytest.mark.parametrize("stage", ["baseline", "search"])
def test_a_missing_cell_is_named_with_its_stage(results: Path, stage: str) -> None:
    (results / stage / "s10/easy/result.json").unlink()
    message = rf"{stage}/s10/easy/result\.json is missing.*dvc repro {stage}@s10-easy"
    with pytest.raises(UserError, match=message):
        collect(results, CELLS, [])


def test_a_cell_without_a_number_that_is_needed_is_named(results: Path) -> None:
    path = results / "baseline/s0/late/result.json"
    write_sealed(path, {k: v for k, v in read_sealed(path).items() if k != "parameters"})
    with pytest.raises(
        UserError, match=r"late/result\.json: result lacks the key 'parameters' .*baseline@s0-late"
    ):
        collect(results, CELLS, [])


EDITS = {
    "baseline/s10/easy/result.json": ('"step": 10', '"step": 11'),
    "search/s10/easy/result.json": ('"probes": 2', '"probes": 3'),
    "search/s10/easy/trials.jsonl": ('"flop": 250000000.0', '"flop": 260000000.0'),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_result_that_was_edited_in_place_is_no_row(results: Path, name: str) -> None:
    before, after = EDITS[name]
    path = results / name
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    with pytest.raises(UserError, match=rf"{name} is missing, truncated or altered.*pipeline heal"):
        collect(results, CELLS, [])


@pytest.mark.parametrize("file", ["baseline/{}/result.json", "search/{}/result.json"])
def test_another_cells_result_in_its_place_is_no_row(results: Path, file: str) -> None:
    """Its own hash is right; it is whole, but of another model."""
    own, others = results / file.format("s10/easy"), results / file.format("s0/easy")
    own.write_bytes(others.read_bytes())
    wanted = r"s10/easy/result\.json is the result of s0 and easy, not of s10 and easy.*repro"
    with pytest.raises(UserError, match=wanted):
        collect(results, CELLS, [])


ROWS = ("search/{}/trials.jsonl", "search/{}/curve.jsonl", "baseline/{}/epochs.jsonl")


@pytest.mark.parametrize("file", ROWS)
@pytest.mark.parametrize("other", ["s0/easy", "s10/late"])
def test_another_cells_rows_in_their_place_are_no_rows(
    results: Path, file: str, other: str
) -> None:
    own, others = results / file.format("s10/easy"), results / file.format(other)
    assert own.read_bytes() != others.read_bytes()
    own.write_bytes(others.read_bytes())
    with pytest.raises(UserError, match=rf"{own.name} is missing, truncated or altered"):
        collect(results, CELLS, [])


@pytest.mark.parametrize("file", ROWS[1:])
def test_rows_that_were_lost_are_missed(results: Path, file: str) -> None:
    path = results / file.format("s10/easy")
    lines = path.read_text().splitlines(keepends=True)
    for left in range(len(lines)):
        path.write_text("".join(lines[:left]))
        with pytest.raises(UserError, match=rf"{path.name} is missing, truncated or altered"):
            collect(results, CELLS, [])


def test_another_segments_log_is_not_a_segments(results: Path) -> None:
    log = results / "pretraining/s10.jsonl"
    write_jsonl(log, [{"step": 10, "loss": 6.5}], ["s10"])
    assert list(collect(results, [], [], ["s10"]).pretraining["loss"]) == [6.5]
    log.rename(log.with_name("s100.jsonl"))
    with pytest.raises(UserError, match=r"s100\.jsonl is .* altered.*pretrain@s100"):
        collect(results, [], [], ["s100"])


def test_a_sweep_is_of_its_method(results: Path) -> None:
    sweep, *_ = write_sweeps(results)
    with pytest.raises(UserError, match=r"result\.json is the result of \w+, not of another"):
        folder = results / "sweep" / sweep.cell.model / sweep.cell.task
        (folder / sweep.method).rename(folder / "another")
        collect(results, [], [replace(sweep, method="another")])


def test_an_altered_number_of_a_table_is_not_drawn(results: Path, tmp_path: Path) -> None:
    write_tables(collect(results, CELLS, []), tmp_path)
    path = tmp_path / "cells.csv"
    path.write_text(path.read_text().replace("0.8", "0.9"))
    with pytest.raises(UserError, match=r"cells\.csv was altered .*run dvc repro collect"):
        read_tables(tmp_path)


@pytest.mark.parametrize("damage", [None, '{"d": 1', "", "\n", '{"d": 1}'])
def test_damaged_probes_are_named(results: Path, damage: str | None) -> None:
    path = results / "search/s0/easy/trials.jsonl"
    path.unlink()
    if damage is not None:
        path.write_text(damage)
    with pytest.raises(UserError, match=r"search/s0/easy/trials\.jsonl .*search@s0-easy"):
        collect(results, CELLS, [])


def test_a_model_of_the_zoo_is_a_cell_without_a_step(results: Path) -> None:
    tables = collect(results, [*CELLS, *write_zoo(results)], [])
    assert len(tables.cells) == 12 + 6 and list(tables.of("zoo").columns) == list(
        tables.cells.columns
    )
    row = tables.of("zoo").set_index("label").loc["RoBERTa-Base"]
    assert (row["model"], row["d90"], row["parameters"]) == ("roberta_base", 896, 124_647_170)
    assert row["others_f1"] == 0.9 and pd.isna(row["step"]) and pd.isna(row["tokens_seen"])
    # What is told of pretraining is told of its checkpoints alone.
    alone = collect(results, CELLS, [])
    pd.testing.assert_frame_equal(tables.trends, alone.trends)
    assert tables.summary == alone.summary
    assert (
        len(tables.of("trajectory")) == 12 and str(tables.of("trajectory")["step"].dtype) == "int64"
    )


def test_a_sweep_has_the_columns_of_cells_and_of_probes(results: Path, tmp_path: Path) -> None:
    sweeps = write_sweeps(results)
    tables = collect(results, CELLS, sweeps)
    assert set(tables.table1.columns) - set(tables.cells.columns) == {"published"}
    assert set(tables.sweep.columns) - set(tables.probes.columns) == {"reason"}
    first = tables.table1.iloc[1]
    assert (first["label"], first["method"], first["published"]) == ("BERT-Base", "said", 1608)
    assert tables.table1["published"].notna().sum() == 1
    each = len(PROBES.values()) * 4
    left = tables.sweep[tables.sweep["status"] == "left_out"]
    small = sum(d <= LAYERS for d in PROBES.values())
    assert len(left) == 4 * small and len(tables.sweep) == 4 * each + 4 * (each - 4 * small) + len(
        left
    )
    assert set(left["method"]) == {"said"} and left["reason"].str.contains("must be above 14").all()
    write_tables(tables, tmp_path)
    again = read_tables(tmp_path)
    pd.testing.assert_frame_equal(again.sweep, tables.sweep, check_exact=True)
    pd.testing.assert_frame_equal(again.table1, tables.table1, check_exact=True)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, "missed"),
        ({"ended": "hopeless"}, "stopped"),
        ({"ended": "diverged"}, "diverged"),
        ({"ended": "diverged", "reached": True}, "reached"),
    ],
)
def test_a_training_that_reached_has_reached_however_it_ended(
    results: Path, changes: dict, status: str
) -> None:
    full = full_result("s0", "easy", 0.8, 0.9)
    search = search_result(full, None, "not_reached", probes=1)
    write_search(results / "search/s0/easy", search, [trial(16, 0.6, **changes)])
    assert list(collect(results, CELLS[:1], []).probes["status"]) == [status]


def test_a_new_field_of_a_result_is_a_column_by_that_alone() -> None:
    @dataclass(frozen=True)
    class Longer(SearchResult):
        warnings: tuple[str, ...] = ()
        rounds: int | None = None

    added = cell_columns(search=Longer)
    assert {name: kind for name, kind in added.items() if name not in cell_columns()} == {
        "warnings": "object", "rounds": "Int64",
    }  # fmt: skip
    full = full_result("s0", "easy", 0.8, 0.9)
    longer = Longer(**vars(search_result(full, 64, "ok")), warnings=("a", "b"), rounds=3)
    row = cell_row(CELLS[0], full, longer)
    assert (row["warnings"], row["rounds"]) == ("a; b", 3)


def test_every_field_of_the_results_is_a_column_or_known_to_be_none() -> None:
    columns = cell_columns()
    for kind in (FullResult, SearchResult):
        for name in (field.name for field in fields(kind)):
            found = [column for column in columns if name in column]
            assert found or name in ("inputs", "answers", "others", "trials_sha256"), name


def test_others_of_other_tasks_are_empty(results: Path, tmp_path: Path) -> None:
    full = full_result("s0", "easy", 0.8, 0.9, others={"f1": 0.75, "spearman": 0.5})
    write_cell(results, full, search_result(full, 64, "ok"))
    write_tables(collect(results, CELLS, []), tmp_path)
    cells = read_tables(tmp_path).cells
    assert list(cells.columns)[-2:] == ["others_f1", "others_spearman"]
    assert list(cells["others_f1"].dropna()) == [0.75]
