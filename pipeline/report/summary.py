"""What ``dvc metrics show`` tells of a study, from the tables of the trajectory's cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.report.trends import POOLED


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
    cost = {
        stage: float(cells[f"{prefix}_cost_flop"].sum())
        for stage, prefix in (("baseline", "full"), ("search", "search"))
    }
    counts = {str(key): int(value) for key, value in cells["status"].value_counts().items()}
    return {
        "tasks": tasks, "trends": claims, "flop": cost, "statuses": dict(sorted(counts.items())),
    }  # fmt: skip


def _correlations(row: Mapping[Any, Any]) -> dict[str, Any]:
    """τ and ρ with their 95 % intervals, which as lists stay out of ``dvc metrics show``."""
    found: dict[str, Any] = {}
    for name in ("tau", "rho"):
        found[name] = _number(row[name])
        found[f"{name}_95"] = [_number(row[f"{name}_{end}"]) for end in ("low", "high")]
    return found


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)
