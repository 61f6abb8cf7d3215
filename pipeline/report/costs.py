"""What was spent on each cell: tokens, FLOP and wall time, by stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

from pipeline.common.artifacts import Json, atomic_file
from pipeline.report.columns import Columns, column_types
from pipeline.report.provenance import Timing, read_timing
from pipeline.report.spreadsheet import neutralised
from pipeline.report.tables import Tables
from pipeline.report.trends import POOLED


@dataclass(frozen=True)
class Cost:
    """What a stage's item took.

    Attributes:
        stage: ``baseline`` (full fine-tuning), ``search``, or ``sweep``.
        model: the model, or ``(all)`` for everything of the stage; so is ``task``.
        method: of a sweep.
        runs: how many trainings.
        tokens: those trained on.
        flop: of training and evaluations.
        seconds: wall time; empty where none was recorded.
        device: on what; empty likewise.
    """

    stage: str
    model: str
    task: str
    method: str
    runs: int
    tokens: int
    flop: float
    seconds: float | None
    device: str = ""


COSTS: Columns = column_types(Cost)


def costs(tables: Tables, timing: Path) -> pd.DataFrame:
    """A row for everything of each stage, then a row a cell and stage.

    ``timing`` is the folder of wall times, which need not be complete.
    """
    items = [
        *_items(tables.cells, "baseline", "full", timing),
        *_items(tables.cells, "search", "search", timing),
        *_items(tables.table1, "sweep", "search", timing),
    ]
    totals = [
        _total(stage, [item for item in items if item.stage == stage])
        for stage in dict.fromkeys(item.stage for item in items)
    ]
    frame = pd.DataFrame([asdict(row) for row in (*totals, *items)], columns=list(COSTS))
    return frame.astype(COSTS)


def write_costs(frame: pd.DataFrame, path: Path) -> None:
    """Write them as CSV, whole or not at all."""
    with atomic_file(path) as temporary:
        neutralised(frame).to_csv(temporary, index=False, lineterminator="\n")


def _items(cells: pd.DataFrame, stage: str, prefix: str, timing: Path) -> Iterator[Cost]:
    for _, row in cells.iterrows():
        key, method = f"{row['model']}-{row['task']}", ""
        if stage == "sweep":
            method = str(row["method"])
            key = f"{key}-{method}"
        folder = "baseline" if stage == "baseline" else "search"
        taken = read_timing(timing / folder / f"{key}.json")
        spent = {name: row[f"{prefix}_cost_{name}"] for name in ("runs", "tokens", "flop")}
        yield Cost(stage, str(row["model"]), str(row["task"]), method, **spent, **_time(taken))


def _time(taken: Timing | None) -> Json:
    return {
        "seconds": None if taken is None else taken.seconds,
        "device": "" if taken is None else taken.machine,
    }


def _total(stage: str, items: list[Cost]) -> Cost:
    known = [item.seconds for item in items if item.seconds is not None]
    first = replace(items[0], model=POOLED, task=POOLED, method="")
    return replace(
        first,
        stage=stage,
        runs=sum(item.runs for item in items),
        tokens=sum(item.tokens for item in items),
        flop=sum(item.flop for item in items),
        seconds=round(sum(known), 2) if known else None,
        device="; ".join(sorted({item.device for item in items} - {""})),
    )
