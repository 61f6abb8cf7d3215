"""The zoo's and the sweep's results as tidy tables (A21 Figures 1 and 3, Table 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.artifacts import read_json
from pipeline.dimension.sweep_grid import SweepProbes, left_out
from pipeline.report.tables import CELL_COLUMNS, collect, read_csv, read_trials, write_csv

# A cell's columns less those of a trajectory.
ZOO_COLUMNS = (
    "model", "label",
    *(name for name in CELL_COLUMNS if name not in ("checkpoint", "step", "unit", "tokens_seen")),
)  # fmt: skip
SWEEP_COLUMNS = (
    "model", "label", "task", "method", "d", "seed", "learning_rate", "status", "metric", "target",
    "full_metric", "majority", "best_epoch", "epochs_run", "acc_train", "tokens", "flop", "reason",
)  # fmt: skip
TABLE1_COLUMNS = (
    "model", "label", "task", "method", "parameters", "status", "d90", "d90_low", "d90_high",
    "lower", "d_min", "d_max", "published", "target", "full_metric", "majority", "probes", "reason",
)  # fmt: skip
_TYPES = {
    name: "Int64"
    for name in ("d90", "d90_low", "d90_high", "lower", "violations", "best_epoch", "published",
                 "seed", "epochs_run", "tokens")
}  # fmt: skip


@dataclass(frozen=True)
class ZooTables:
    """``zoo``: a row a model and task. ``sweep``: a row a probe. ``table1``: a row a sweep."""

    zoo: pd.DataFrame
    sweep: pd.DataFrame
    table1: pd.DataFrame


@dataclass(frozen=True)
class SweepCell:
    """One sweep: who was swept, and A21's d₉₀ where that is the same model and task."""

    model: str
    label: str
    task: str
    method: str
    published: int | None


def collect_zoo(
    results: Path,
    labels: Mapping[str, str],
    search: Sequence[str],
    sweeps: Sequence[SweepCell],
    probes: SweepProbes,
) -> ZooTables:
    """Read the searches of the models in ``labels`` (name → label), and the sweeps.

    Raises:
        UserError: a result is missing or damaged.
    """
    cells = collect(results, dict.fromkeys(labels, 0), search).cells
    zoo = cells.rename(columns={"checkpoint": "model"})
    zoo["label"] = zoo["model"].map(dict(labels))
    rows, table1 = [], []
    for cell in sweeps:
        folder = results / "sweep" / cell.model / cell.task / cell.method
        result = read_json(folder / "result.json")
        baseline = read_json(results / "baseline" / cell.model / cell.task / "result.json")
        own = {**result, **vars(cell), "parameters": baseline["parameters"]}
        table1.append(own)
        trials = read_trials(folder, result["probes"], "run dvc repro sweep")
        rows += _sweep_rows(own, trials, probes)
    return ZooTables(
        zoo[list(ZOO_COLUMNS)],
        _frame(rows, SWEEP_COLUMNS),
        _frame(table1, TABLE1_COLUMNS),
    )


def write_zoo(tables: ZooTables, folder: Path) -> None:
    """Write ``zoo.csv``, ``sweep.csv`` and ``table1.csv``; without models they have no rows."""
    for name, frame in vars(tables).items():
        write_csv(frame, folder / f"{name}.csv")


def read_zoo(folder: Path) -> ZooTables:
    """Read what `write_zoo` wrote.

    Raises:
        UserError: a table is missing or damaged.
    """
    frames = []
    for name, columns in (
        ("zoo", ZOO_COLUMNS), ("sweep", SWEEP_COLUMNS), ("table1", TABLE1_COLUMNS)
    ):  # fmt: skip
        types = {column: kind for column, kind in _TYPES.items() if column in columns}
        frame = read_csv(folder / f"{name}.csv", columns, types)
        frame["reason"] = frame["reason"].astype(object).fillna("")
        frames.append(frame)
    return ZooTables(*frames)


def _frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    types = {column: kind for column, kind in _TYPES.items() if column in columns}
    return pd.DataFrame(rows, columns=list(columns)).astype(types)


def _sweep_rows(
    own: dict[str, Any], trials: Sequence[dict[str, Any]], probes: SweepProbes
) -> list[dict[str, Any]]:
    """A row a probe, and a row with the reason for each d that the model does not allow."""
    common = {
        key: own[key]
        for key in ("model", "label", "task", "method", "target", "full_metric", "majority")
    }
    impossible = [
        {**common, "d": d, "status": "left_out", "reason": reason}
        for d in probes.values()
        if (reason := left_out(d, own["layers"], own["parameters"])) is not None
    ]
    rows = [{"reason": "", **trial, **common} for trial in trials]
    return sorted(impossible + rows, key=lambda row: row["d"])
