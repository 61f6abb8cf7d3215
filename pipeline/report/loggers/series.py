"""What trackers are told of a study: a run for pretraining, and one for each task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.common.artifacts import Json
from pipeline.common.sealed import read_jsonl

# Of a row of pretraining's log, and of a cell.
_LOGGED = ("loss", "loss_max", "learning_rate", "gradient_norm")
_OF_CELL = (
    "d90", "d90_low", "d90_high", "d90_paper", "target", "full_metric", "full_train_metric",
    "relative_gap", "probes", "search_cost_flop", "full_cost_flop",
)  # fmt: skip


@dataclass(frozen=True)
class Point:
    """Some numbers at a step of pretraining, by their names."""

    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Series:
    """A run in a tracker.

    Attributes:
        name: ``pretraining``, or the task's.
        settings: what it was made with, by dotted names.
        points: in the order of their steps.
    """

    name: str
    settings: Mapping[str, str | int | float | bool]
    points: Sequence[Point]


def series_of(cells: pd.DataFrame, logs: Mapping[str, Path], params: Json) -> Iterator[Series]:
    """The runs of a study.

    Args:
        cells: the cells of its trajectory.
        logs: the logs of its pretraining, in order, by the checkpoint that each ends in.
        params: what its params.yaml says.

    Raises:
        UserError: a log is missing or damaged.
    """
    settings = dict(_plain(params))
    rows = [row for name, path in logs.items() for row in read_jsonl(path, (name,))]
    if rows:
        points = [Point(row["step"], _numbers(row, _LOGGED)) for row in rows]
        yield Series("pretraining", settings, points)
    for task, own in cells.groupby("task", sort=False):
        ordered = own.sort_values("step").to_dict("records")
        points = [Point(int(row["step"]), _numbers(row, _OF_CELL)) for row in ordered]
        yield Series(str(task), settings, points)


def _numbers(row: Mapping[Any, Any], names: Sequence[str]) -> dict[str, float]:
    """The numbers that a row has under these names."""
    found = {name: row[name] for name in names if name in row}
    return {name: float(one) for name, one in found.items() if not pd.isna(one)}


def _plain(params: Json, before: str = "") -> Iterator[tuple[str, str | int | float | bool]]:
    """Every parameter by its dotted name; lists as text."""
    for key, value in params.items():
        name = f"{before}{key}"
        if isinstance(value, dict):
            yield from _plain(value, f"{name}.")
        elif value is not None:
            yield name, value if isinstance(value, str | int | float | bool) else str(value)
