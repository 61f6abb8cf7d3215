"""What the page's script draws from: the report's tables, in the order of their CSV files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipeline.common.artifacts import Json
from pipeline.report.columns import OTHERS
from pipeline.report.tables import Tables

# The columns that charts and opened cells show; further metrics come beside them.
_CELL = (
    "model", "label", "family", "step", "unit", "tokens_seen", "task", "method", "metric", "status",
    "d90", "d90_low", "d90_high", "d90_above", "d90_paper", "lower", "ended", "monotone", "d_min",
    "d_max", "target", "target_error", "full_metric", "chance", "relative_gap", "parameters",
    "protocol", "probes", "full_cost_tokens", "full_cost_flop", "search_cost_tokens",
    "search_cost_flop", "full_train_metric", "full_learning_rate", "full_best_epoch", "task_d",
    "eval_metric", "full_deviations", "deviations", "fractions", "reason", "advice",
    "representation",
)  # fmt: skip
_EMBEDDED: Mapping[str, Sequence[str]] = {
    "cells": _CELL,
    "table1": (*_CELL, "published"),
    "probes": (
        "model", "task", "d", "status", "seed", "learning_rate", "eval_metric", "best_epoch",
        "epochs_run", "train_metric", "tokens",
    ),
    "sweep": ("model", "task", "method", "d", "status", "seed", "learning_rate", "eval_metric"),
    "learning": ("model", "task", "probe", "evaluation", "eval_metric"),
    "epochs": ("model", "task", "learning_rate", "seed", "evaluation", "loss", "eval_metric"),
    "success": ("model", "task", "d", "metric_low", "metric", "metric_high", "enough"),
    "pretraining": ("checkpoint", "step", "loss", "learning_rate", "valid_loss"),
    "certificates": (
        "model", "label", "family", "step", "tokens_seen", "task", "best", "d", "levels", "code",
        "train_error", "eval_error", "bound", "hoeffding", "complexity", "rows", "majority_error",
    ),
    "own": (
        "model", "label", "family", "step", "unit", "tokens_seen", "task", "metric", "directions",
        "status",
        "d90", "d90_low", "d90_high", "d90_above", "d_min", "d_max", "target", "probes",
    ),
    "taskspaces": (
        "model", "label", "family", "step", "tokens_seen", "task", "metric", "arm", "dimension",
        "trained", "seeds", "eval_metric", "eval_low", "eval_high",
    ),
    "transfer": (
        "model", "label", "family", "step", "tokens_seen", "task", "metric", "arm", "tasks",
        "dimension", "seeds", "eval_metric", "eval_low", "eval_high",
    ),
    "costs": ("stage", "model", "task", "method", "runs", "tokens", "flop", "device", "threads"),
}  # fmt: skip
Rows = list[Json]
# Digits of a number: no chart shows a seventh.
_DIGITS = 6


def embedded(tables: Tables) -> dict[str, Json]:
    """By name each table's ``columns`` and their ``values``, a list a column.

    A column of texts is ``[texts, places]``: which of the different texts stands in each row.
    """
    return {name: _columns(getattr(tables, name), wanted) for name, wanted in _EMBEDDED.items()}


def as_script(value: Any) -> Any:
    """JSON that may stand inside a script element, whatever texts are in it."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def _columns(frame: pd.DataFrame, wanted: Sequence[str]) -> Json:
    others = [str(name) for name in frame.columns if str(name).startswith(OTHERS)]
    return {name: _values(frame[name]) for name in (*wanted, *others) if name in frame}


def _values(column: pd.Series) -> Any:
    if column.dtype == object:
        texts = list(dict.fromkeys(column))
        places = {text: place for place, text in enumerate(texts)}
        return [texts, [places[text] for text in column]]
    return [_plain(value) for value in column]


def _plain(value: Any) -> Any:
    if pd.isna(value):
        return None
    value = value.item() if hasattr(value, "item") else value
    if not isinstance(value, float):
        return value
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def rows_of(tables: Tables) -> dict[str, Rows]:
    """The same tables as rows, cells of the trajectory and of the zoo apart."""
    found = {
        name: _rows({column: _whole(values) for column, values in columns.items()})
        for name, columns in embedded(tables).items()
    }
    cells = found.pop("cells")
    families = {"cells": "trajectory", "zoo": "zoo"}
    return found | {
        name: [row for row in cells if row["family"] == family] for name, family in families.items()
    }


def _rows(columns: Mapping[str, list[Any]]) -> Rows:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _whole(values: Any) -> list[Any]:
    """A column's values, texts in full."""
    if len(values) == 2 and isinstance(values[0], list):
        texts, places = values
        return [texts[place] for place in places]
    return list(values)
