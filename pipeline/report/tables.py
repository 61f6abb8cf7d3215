"""The cells' results as tidy tables: one row a cell, and one row a probe.

Accuracies and the relative gap of a cell are those of full fine-tuning at its best epoch, as in
A21's Figures 4 and 5; those of the subspace run at d₉₀ stand beside them as ``said_…``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.artifacts import atomic_file, read_json, write_json
from pipeline.errors import UserError

CELL_COLUMNS = (
    "checkpoint", "step", "task", "status", "d90", "lower", "d_min", "d_max", "target",
    "full_metric", "majority", "acc_train", "acc_eval", "relative_gap", "f1_eval",
    "learning_rate", "best_epoch", "parameters", "layers", "said_acc_train", "said_acc_eval",
    "said_learning_rate", "probes", "baseline_tokens", "baseline_flop", "said_tokens", "said_flop",
    "reason",
)  # fmt: skip
PROBE_COLUMNS = (
    "checkpoint", "step", "task", "d", "seed", "learning_rate", "status", "metric", "target",
    "full_metric", "majority", "best_epoch", "epochs_run", "acc_train", "tokens", "flop",
)  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """``cells`` and ``probes`` as data frames, and the summary that ``dvc metrics`` shows."""

    cells: pd.DataFrame
    probes: pd.DataFrame
    summary: dict[str, Any]


def collect(results: Path, checkpoints: Mapping[str, int], tasks: Sequence[str]) -> Tables:
    """Read every cell of ``checkpoints`` × ``tasks``.

    Raises:
        UserError: a cell's result is missing or damaged.
    """
    cells, probes = [], []
    for checkpoint in checkpoints:
        for task in tasks:
            baseline = read_json(results / "baseline" / checkpoint / task / "result.json")
            folder = results / "said" / checkpoint / task
            said = read_json(folder / "result.json")
            cells.append(_cell(baseline, said))
            probes += _probes(folder / "trials.jsonl", said)
    cell_frame = pd.DataFrame(cells, columns=list(CELL_COLUMNS))
    for column in ("d90", "lower", "best_epoch"):
        cell_frame[column] = cell_frame[column].astype("Int64")
    probe_frame = pd.DataFrame(probes, columns=list(PROBE_COLUMNS))
    return Tables(cell_frame, probe_frame, summarise(cell_frame))


def write_tables(tables: Tables, folder: Path) -> None:
    """Write ``cells.csv``, ``probes.csv`` and ``summary.json``."""
    for name, frame in (("cells", tables.cells), ("probes", tables.probes)):
        with atomic_file(folder / f"{name}.csv") as temporary:
            frame.to_csv(temporary, index=False, lineterminator="\n")
    write_json(folder / "summary.json", tables.summary)


def read_tables(folder: Path) -> Tables:
    """Read what `write_tables` wrote."""
    try:
        cells = pd.read_csv(folder / "cells.csv", dtype={"d90": "Int64", "lower": "Int64"})
        probes = pd.read_csv(folder / "probes.csv")
    except (FileNotFoundError, pd.errors.ParserError) as error:
        raise UserError(
            f"{folder} has no readable tables ({error}): run dvc repro collect"
        ) from None
    cells["reason"] = cells["reason"].fillna("")
    return Tables(cells, probes, read_json(folder / "summary.json"))


def relative_gap(acc_train: float | None, acc_eval: float | None) -> float | None:
    """(acc_train − acc_eval) / (1 − acc_eval) (A21 §5.3); undefined at acc_eval = 1."""
    if acc_train is None or acc_eval is None or acc_eval >= 1:
        return None
    return (acc_train - acc_eval) / (1 - acc_eval)


def summarise(cells: pd.DataFrame) -> dict[str, Any]:
    """Per task: d₉₀ at the first and last checkpoint, how it moves, and counts of statuses."""
    tasks: dict[str, Any] = {}
    for task, rows in cells.groupby("task", sort=False):
        ordered = rows.sort_values("step")
        last = ordered.iloc[-1]
        computed = ordered.dropna(subset=["d90"])
        tasks[str(task)] = {
            "d90_last": None if pd.isna(last["d90"]) else int(last["d90"]),
            "status_last": last["status"],
            "full_metric_last": _number(last["full_metric"]),
            "cells_ok": len(computed),
            "cells": len(ordered),
            "kendall_tau": _kendall(computed),
        }
    cost = {name: float(cells[f"{name}_flop"].sum()) for name in ("baseline", "said")}
    counts = {str(key): int(value) for key, value in cells["status"].value_counts().items()}
    return {"tasks": tasks, "flop": cost, "statuses": dict(sorted(counts.items()))}


def _cell(baseline: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    row = {key: said.get(key, baseline.get(key)) for key in CELL_COLUMNS}
    own = ("acc_train", "acc_eval", "f1_eval", "learning_rate", "best_epoch", "parameters")
    row |= {key: baseline[key] for key in own}
    row |= {f"said_{key}": said[key] for key in ("acc_train", "acc_eval", "learning_rate")}
    for name, result in (("baseline", baseline), ("said", said)):
        row |= {f"{name}_{key}": result["cost"][key] for key in ("tokens", "flop")}
    row["relative_gap"] = relative_gap(baseline["acc_train"], baseline["acc_eval"])
    return row


def _probes(path: Path, said: dict[str, Any]) -> list[dict[str, Any]]:
    import json

    lines = path.read_text(encoding="utf-8").splitlines()
    return [{**said, **json.loads(line)} for line in lines]


def _kendall(computed: pd.DataFrame) -> float | None:
    """Kendall's τ between step and d₉₀ over the computed cells; undefined below three."""
    from scipy.stats import kendalltau

    if len(computed) < 3:
        return None
    return _number(kendalltau(computed["step"], computed["d90"].astype(float)).statistic)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)
