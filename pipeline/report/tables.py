"""The cells' results as tidy tables: one row a cell, one a probe, and one a claim about them.

Accuracies and the relative gap of a cell are those of full fine-tuning at its best epoch, as in
A21's Figures 4 and 5; those of the subspace run at d₉₀ stand beside them as ``said_…``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.artifacts import atomic_file, read_json, write_json
from pipeline.errors import UserError
from pipeline.report.trends import POOLED, TREND_COLUMNS, trends

CELL_COLUMNS = (
    "checkpoint", "step", "unit", "tokens_seen", "task", "status", "d90", "d90_low", "d90_high",
    "lower", "d_min", "d_max", "violations", "protocol", "deviations", "target",
    "full_metric", "majority", "acc_train", "acc_eval", "relative_gap", "f1_eval",
    "learning_rate", "best_epoch", "parameters", "layers", "said_acc_train", "said_acc_eval",
    "said_learning_rate", "probes", "baseline_tokens", "baseline_flop", "said_tokens", "said_flop",
    "fractions", "reason",
)  # fmt: skip
PROBE_COLUMNS = (
    "checkpoint", "step", "task", "protocol", "deviations", "d", "seed", "learning_rate", "status",
    "proven", "metric", "target", "full_metric", "majority", "best_epoch", "epochs_run",
    "acc_train", "tokens", "flop",
)  # fmt: skip
# Whole numbers that a cell may lack stay whole numbers.
_CELL_TYPES = {
    name: "Int64"
    for name in (
        "tokens_seen", "d90", "d90_low", "d90_high", "lower", "violations", "best_epoch",
    )
}  # fmt: skip
_PROBE_TYPES = {"best_epoch": "Int64"}
_FROM_BASELINE = (
    "acc_train", "acc_eval", "f1_eval", "learning_rate", "best_epoch", "parameters",
)  # fmt: skip
_FROM_SAID = (
    "checkpoint", "step", "task", "status", "reason", "d90", "d90_low", "d90_high", "lower",
    "d_min", "d_max", "violations", "protocol", "deviations", "fractions", "target", "full_metric",
    "majority", "layers", "probes", "acc_train", "acc_eval", "learning_rate",
)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """The data frames (`pipeline.report.trends` has ``trends``) and what ``dvc metrics`` shows."""

    cells: pd.DataFrame
    probes: pd.DataFrame
    trends: pd.DataFrame
    summary: dict[str, Any]


def collect(
    results: Path,
    checkpoints: Mapping[str, int],
    tasks: Sequence[str],
    unit: str = "updates",
    tokens: int | None = None,
) -> Tables:
    """Read every cell of ``checkpoints`` × ``tasks``.

    ``unit`` is what the checkpoints' steps count, ``tokens`` how many tokens one of it stands for.

    Raises:
        UserError: a cell's result is missing or damaged.
    """
    cells, probes = [], []
    for checkpoint in checkpoints:
        for task in tasks:
            baseline = _result(results, "baseline", checkpoint, task, _FROM_BASELINE)
            said = _result(results, "said", checkpoint, task, _FROM_SAID)
            seen = None if tokens is None else said["step"] * tokens
            cells.append({**_cell(baseline, said), "unit": unit, "tokens_seen": seen})
            probes += _probes(results, said)
    cell_frame = pd.DataFrame(cells, columns=list(CELL_COLUMNS))
    probe_frame = pd.DataFrame(probes, columns=list(PROBE_COLUMNS))
    cell_frame, probe_frame = cell_frame.astype(_CELL_TYPES), probe_frame.astype(_PROBE_TYPES)
    trend_frame = trends(cell_frame)
    return Tables(cell_frame, probe_frame, trend_frame, summarise(cell_frame, trend_frame))


def write_tables(tables: Tables, folder: Path) -> None:
    """Write ``cells.csv``, ``probes.csv``, ``trends.csv`` and ``summary.json``."""
    for name in ("cells", "probes", "trends"):
        write_csv(getattr(tables, name), folder / f"{name}.csv")
    write_json(folder / "summary.json", tables.summary)


def read_tables(folder: Path) -> Tables:
    """Read what `write_tables` wrote.

    Raises:
        UserError: a table is missing or damaged.
    """
    cells = read_csv(folder / "cells.csv", CELL_COLUMNS, _CELL_TYPES)
    probes = read_csv(folder / "probes.csv", PROBE_COLUMNS, _PROBE_TYPES)
    for frame, names in ((cells, ("reason", "deviations", "fractions")), (probes, ("deviations",))):
        for name in names:
            frame[name] = frame[name].astype(object).fillna("")
    found = read_csv(folder / "trends.csv", TREND_COLUMNS, {})
    return Tables(cells, probes, found, read_json(folder / "summary.json"))


def relative_gap(acc_train: float | None, acc_eval: float | None) -> float | None:
    """(acc_train − acc_eval) / (1 − acc_eval) (A21 §5.3); undefined at acc_eval = 1."""
    if acc_train is None or acc_eval is None or acc_eval >= 1:
        return None
    return (acc_train - acc_eval) / (1 - acc_eval)


def summarise(cells: pd.DataFrame, found: pd.DataFrame) -> dict[str, Any]:
    """Per task the last checkpoint and how d₉₀ moves; per claim its pooled correlation; counts."""
    tasks: dict[str, Any] = {}
    alone = found[found["claim"] == "falls"].to_dict("records")
    falls = {row["scope"]: row for row in alone}
    for task, rows in cells.groupby("task", sort=False):
        last = rows.sort_values("step").iloc[-1]
        tasks[str(task)] = {
            "d90_last": None if pd.isna(last["d90"]) else int(last["d90"]),
            "status_last": last["status"],
            "full_metric_last": _number(last["full_metric"]),
            "cells_ok": int(rows["d90"].notna().sum()),
            "cells": len(rows),
            **_correlations(falls[task]),
        }
    pooled = found[found["scope"] == POOLED].to_dict("records")
    claims = {
        row["claim"]: {"verdict": row["verdict"], "p": _number(row["p"]), **_correlations(row)}
        for row in pooled
    }
    cost = {name: float(cells[f"{name}_flop"].sum()) for name in ("baseline", "said")}
    counts = {str(key): int(value) for key, value in cells["status"].value_counts().items()}
    return {
        "tasks": tasks, "trends": claims, "flop": cost, "statuses": dict(sorted(counts.items())),
    }  # fmt: skip


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write a table that `read_csv` reads."""
    with atomic_file(path) as temporary:
        frame.to_csv(temporary, index=False, lineterminator="\n")


def read_trials(folder: Path, count: int, remedy: str) -> list[dict[str, Any]]:
    """A search's ``trials.jsonl``, ``count`` rows; ``remedy`` says what makes it anew.

    Raises:
        UserError: it is missing or damaged.
    """
    path = folder / "trials.jsonl"
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is missing or damaged ({error}): {remedy}") from error
    if len(rows) != count:
        raise UserError(f"{path} holds {len(rows)} probes instead of {count}: {remedy}")
    return rows


def read_csv(path: Path, columns: Sequence[str], types: dict[str, str]) -> pd.DataFrame:
    """Read a table with exactly these columns.

    Raises:
        UserError: it is missing, damaged, or has others.
    """
    try:
        # A task may be called "nan" or "null": only an empty field is a missing value.
        frame = pd.read_csv(
            path, dtype=types, keep_default_na=False, na_values=[""], float_precision="round_trip"
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is no readable table ({error}): run dvc repro collect") from error
    if list(frame.columns) != list(columns):
        raise UserError(f"{path} has not the columns that collect writes: run dvc repro collect")
    return frame


def _result(
    results: Path, stage: str, checkpoint: str, task: str, needed: Sequence[str]
) -> dict[str, Any]:
    """A cell's ``result.json`` with at least the keys ``needed`` and its cost."""
    path = results / stage / checkpoint / task / "result.json"
    remedy = f"run dvc repro {stage}@{checkpoint}-{task}"
    try:
        result: dict[str, Any] = read_json(path)
    except UserError as error:
        raise UserError(f"{error} ({remedy})") from error
    missing = [key for key in (*needed, "cost") if key not in result]
    if missing:
        raise UserError(f"{path} has no {', '.join(missing)}: {remedy}")
    return result


def _cell(baseline: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    own = ("acc_train", "acc_eval", "learning_rate")
    row = {key: said[key] for key in _FROM_SAID if key not in own}
    row |= {key: baseline[key] for key in _FROM_BASELINE}
    row |= {f"said_{key}": said[key] for key in own}
    for name, result in (("baseline", baseline), ("said", said)):
        row |= {f"{name}_{key}": result["cost"][key] for key in ("tokens", "flop")}
    row |= _in_words(said)
    row["relative_gap"] = relative_gap(baseline["acc_train"], baseline["acc_eval"])
    return row


def _probes(results: Path, said: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a probe, each with its cell's columns; a probe's own win where both have one."""
    checkpoint, task = said["checkpoint"], said["task"]
    remedy = f"run dvc repro said@{checkpoint}-{task}"
    rows = read_trials(results / "said" / checkpoint / task, said["probes"], remedy)
    return [{**said, **row, **_in_words(said)} for row in rows]


def _in_words(said: dict[str, Any]) -> dict[str, Any]:
    """Lists of a result as fields of a table: counted, or joined."""
    fractions = [f"{name}: {_bracket(one)}" for name, one in said["fractions"].items()]
    return {
        "violations": len(said["violations"]),
        "deviations": "; ".join(said["deviations"]),
        "fractions": "; ".join(fractions),
    }


def _bracket(reading: dict[str, Any]) -> str:
    """A fraction's smallest d, or between which values it lies as far as is known."""
    if reading["d"] is not None:
        return str(reading["d"])
    lower, upper = reading["lower"], reading["upper"]
    if upper is None:
        return "unknown" if lower is None else f"above {lower}"
    return f"at most {upper}" if lower is None else f"{lower} to {upper}"


def _correlations(row: Mapping[Any, Any]) -> dict[str, Any]:
    """τ and ρ with their 95 % intervals, which as lists stay out of ``dvc metrics show``."""
    found: dict[str, Any] = {}
    for name in ("tau", "rho"):
        found[name] = _number(row[name])
        found[f"{name}_95"] = [_number(row[f"{name}_{end}"]) for end in ("low", "high")]
    return found


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)
