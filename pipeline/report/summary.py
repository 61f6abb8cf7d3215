"""What ``dvc metrics show`` tells of a study, from the tables of the trajectory's cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipeline.report.trends import POOLED


def summarise(cells: pd.DataFrame, found: pd.DataFrame) -> dict[str, Any]:
    """Per task the last checkpoint and how d₉₀ moves; per claim its pooled correlation; counts.

    A d₉₀ has its 95 % interval, the paper's number and why its search ended beside it.
    """
    tasks: dict[str, Any] = {}
    alone = found[found["claim"] == "falls"].to_dict("records")
    falls = {row["scope"]: row for row in alone}
    for task, rows in cells.groupby("task", sort=False):
        last = rows.sort_values("step").iloc[-1]
        tasks[str(task)] = {
            "d90_last": _whole(last["d90"]),
            "d90_last_95": [_whole(last["d90_low"]), _whole(last["d90_high"])],
            "d90_paper_last": _whole(last["d90_paper"]),
            "status_last": last["status"],
            "ended_last": last["ended"] or None,
            "full_metric_last": _number(last["full_metric"]),
            **({"to_try": last["advice"]} if last["advice"] else {}),
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
    return {
        "tasks": tasks,
        "trends": claims,
        "flop": cost,
        "statuses": _counts(cells["status"]),
        "ended": _counts(cells["ended"]),
        "not_monotone": int((~cells["monotone"].astype(bool)).sum()),
        "deviations": {
            stage: sorted(set(cells[name]) - {""})
            for stage, name in (("baseline", "full_deviations"), ("search", "deviations"))
            if name in cells
        },
    }


def _counts(column: pd.Series) -> dict[str, int]:
    """How often each text stands in a column, where there is one."""
    counts = column[column != ""].value_counts()
    return {str(key): int(value) for key, value in sorted(counts.items())}


def _correlations(row: Mapping[Any, Any]) -> dict[str, Any]:
    """τ and ρ with their 95 % intervals, which as lists stay out of ``dvc metrics show``."""
    found: dict[str, Any] = {}
    for name in ("tau", "rho"):
        found[name] = _number(row[name])
        found[f"{name}_95"] = [_number(row[f"{name}_{end}"]) for end in ("low", "high")]
    return found


def _whole(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 6)
