"""What every column of the tables is, as a page of the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pipeline.dimension.curve_point import CurvePoint
from pipeline.report.cell import MeasuredCell, SweepCell
from pipeline.report.certificates import CERTIFICATES, Certified
from pipeline.report.columns import (
    Columns,
    cell_columns,
    cell_meanings,
    column_meanings,
    sweep_columns,
    training_columns,
    training_meanings,
)
from pipeline.report.costs import COSTS, Cost
from pipeline.report.curves import (
    EPOCHS,
    LEARNING,
    PRETRAINING,
    SUCCESS,
    Evaluation,
    FullEvaluation,
    Logged,
)
from pipeline.report.movement import MOVEMENT, Movement
from pipeline.report.rank_correlation import Association
from pipeline.report.representation import REPRESENTATION, StateDimension
from pipeline.report.taskspaces import (
    OUTLIER_COLUMNS,
    OWN,
    TASKSPACES,
    ComparedArm,
    OutlierRow,
    own_meanings,
)
from pipeline.report.transfer import TRANSFER, TransferRow
from pipeline.report.trends import TREND_COLUMNS

_HEAD = """# Data dictionary

Written by `python -m pipeline dictionary > docs/data-dictionary.md` from the docstrings of the
dataclasses; a test holds it to them.

The tables of a study, one below the other. Each is a CSV file in `reports/`, the same as Parquet in
`reports/parquet/`, and a sheet of `reports/study.xlsx`, where `all` has every cell and each task a
sheet of its own. In a CSV an empty field is a missing value, and text that a spreadsheet would run
has an apostrophe in front; Parquet has types and the text as it is:

```python
import pandas as pd

probes = pd.read_parquet("reports/parquet/probes.parquet")
probes[probes["status"] == "reached"].groupby(["task", "step"])["d"].min()
```
"""
_TYPES = {"Int64": "whole number", "float64": "number", "boolean": "truth", "object": "text"}
# What no dataclass says.
_CLAIMS = {
    "claim": "which of the paper's claims, as `pipeline.report.trends.CLAIMS` names it",
    "scope": "a task or checkpoint alone, or `(all)`",
    "x": "the column that d₉₀, or what else the claim ranks, is ranked against",
    "expected": "the sign of the correlation that the claim expects",
    "left_out": "cells without a d₉₀ (or what else is ranked) or without that number",
    "verdict": "`supported`, `contradicted` or `undecided`, by the permutation test",
}


def dictionary() -> str:
    """The page, in Markdown."""
    published = column_meanings(SweepCell)["published"]
    cells, trainings = cell_meanings(), training_meanings()
    probes = {name: kind for name, kind in training_columns().items() if name != "reason"}
    parts = [
        *_table("cells", "A row a measured model and task.", cell_columns(), cells),
        "A task's further metrics are columns too, such as `others_f1`.",
        *_table("probes", "A row a training of the searches.", probes, trainings),
        *_table(
            "sweep",
            "A row a training of the sweeps over d, or a d that a model does not allow.",
            training_columns(),
            trainings,
        ),
        *_table(
            "table1",
            "A row a sweep: a model, a task and a method.",
            sweep_columns(),
            {**cells, "published": published},
        ),
        *_table(
            "trends",
            "A row a claim and scope.",
            TREND_COLUMNS,
            {**column_meanings(Association), **_CLAIMS},
        ),
        *_table(
            "movement",
            "A row a task of the trajectory, and one for all of them.",
            MOVEMENT,
            column_meanings(Movement),
        ),
        *_beyond(),
        *_table(
            "costs",
            "A row a stage, and a row a cell and stage. Pretraining is not counted.",
            COSTS,
            column_meanings(Cost),
        ),
        *_behind(),
    ]
    return "\n".join([_HEAD, *parts]).rstrip("\n")


def _beyond() -> Iterator[str]:
    """The tables of what goes beyond d₉₀, which are empty unless it was asked for."""
    yield from _table(
        "certificates",
        "A row a candidate of a cell's certificate (method §7), where `certificates` is set.",
        CERTIFICATES,
        column_meanings(Certified),
    )
    yield from _table(
        "taskspaces",
        "A row an arm of a cell (method §8), where `taskspaces` is set.",
        TASKSPACES,
        column_meanings(ComparedArm),
    )
    yield from _table(
        "own",
        "A row a search for d₉₀ in a task's own directions, or in random ones (method §8).",
        OWN,
        own_meanings(),
    )
    yield from _table(
        "outliers",
        "A row a cell and kind of parameter with outlier dimensions, and one for all of them.",
        OUTLIER_COLUMNS,
        column_meanings(OutlierRow),
    )
    yield from _table(
        "transfer",
        "A row an arm of a cell in directions of several tasks (method §8), where `transfer` is "
        "set.",
        TRANSFER,
        column_meanings(TransferRow),
    )
    yield from _table(
        "representation",
        "A row a layer of a cell, kind of hidden state and estimator (method §8), where "
        "`representation` is set.",
        REPRESENTATION,
        column_meanings(StateDimension),
    )


def _behind() -> Iterator[str]:
    """The tables of what lies behind the cells' numbers."""
    cell = column_meanings(MeasuredCell)
    yield from _table(
        "epochs",
        "A row an evaluation during full fine-tuning.",
        EPOCHS,
        {**cell, **column_meanings(FullEvaluation)},
    )
    yield from _table(
        "success",
        "A row a cell and d of its grid: what the search's trainings say of it.",
        SUCCESS,
        {**cell, **column_meanings(CurvePoint)},
    )
    yield from _table(
        "learning",
        "A row an evaluation during a training of the searches.",
        LEARNING,
        {**cell, **column_meanings(Evaluation)},
    )
    yield from _table(
        "pretraining",
        "A row a line of pretraining's log.",
        PRETRAINING,
        column_meanings(Logged),
    )


def _table(name: str, rows: str, columns: Columns, meanings: Mapping[str, str]) -> Iterator[str]:
    yield f"\n## {name}\n\n{rows}\n\n| column | type | what it is |\n|---|---|---|"
    for column, kind in columns.items():
        # What a dataclass has as None is an empty field of a table.
        said = re.sub(r"\bNone\b", "empty", meanings[column]).removesuffix(".")
        yield f"| `{column}` | {_TYPES[kind]} | {said} |"
    yield ""
