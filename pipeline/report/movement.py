"""How far d₉₀ moves from the first to the last checkpoint that has one, a row a task."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import pandas as pd

from pipeline.common.artifacts import Json
from pipeline.report.columns import Columns, column_types
from pipeline.report.known import located, ranked
from pipeline.report.trends import POOLED

Direction = Literal["falls", "rises", "stays", "unknown"]


@dataclass(frozen=True)
class Movement:
    """A task's movement; one row for all tasks together has their counts.

    Attributes:
        task: the task, or ``(all)``.
        first: the first checkpoint at which the task has a d₉₀, also one beyond the grid.
        last: the last one.
        direction: which way d₉₀ goes between them; ``unknown`` where fewer than two checkpoints
            have one, or both lie beyond the same end of the grid.
        steady: whether it never goes the other way between two neighbouring checkpoints.
        apart: whether the 95 % intervals of the two have no d in common.
        factor: the larger of the two estimates over the smaller; empty where one lies beyond the
            grid.
        factor_least: the same from the nearer ends of the intervals, so that the factor is hardly
            less; empty where they overlap.
        checkpoints: how many have a d₉₀.
        without: how many have none.
        tasks: of all tasks together, how many there are.
        falling: how many of them fall.
        rising: how many of them rise.
        falling_apart: how many fall from one interval to another that has no d in common with it.
    """

    task: str
    first: str = ""
    last: str = ""
    direction: str = "unknown"
    steady: bool | None = None
    apart: bool | None = None
    factor: float | None = None
    factor_least: float | None = None
    checkpoints: int | None = None
    without: int | None = None
    tasks: int | None = None
    falling: int | None = None
    rising: int | None = None
    falling_apart: int | None = None


MOVEMENT: Columns = column_types(Movement)


def movement(cells: pd.DataFrame) -> list[Json]:
    """The rows of a trajectory's tasks, and the row of them all first; none without a cell."""
    tasks = [_moved(str(task), rows) for task, rows in cells.groupby("task", sort=False)]
    return [asdict(row) for row in ([_together(tasks), *tasks] if tasks else [])]


def _together(tasks: list[Movement]) -> Movement:
    falling = [row for row in tasks if row.direction == "falls"]
    return Movement(
        POOLED,
        tasks=len(tasks),
        falling=len(falling),
        rising=sum(row.direction == "rises" for row in tasks),
        falling_apart=sum(bool(row.apart) for row in falling),
    )


def _moved(task: str, rows: pd.DataFrame) -> Movement:
    ordered = rows.sort_values("step")
    known = located(ordered)
    start = Movement(task, checkpoints=len(known), without=len(ordered) - len(known))
    if len(known) < 2:
        only = str(known["model"].iloc[0]) if len(known) else ""
        return replace(start, first=only, last=only)
    first, last = known.iloc[0], known.iloc[-1]
    direction, steady = _direction(known)
    large, small = (last, first) if direction == "rises" else (first, last)
    least = _quotient(large["d90_low"], small["d90_high"])
    apart = least is not None and least > 1
    return replace(
        start,
        first=str(first["model"]),
        last=str(last["model"]),
        direction=direction,
        steady=steady,
        apart=apart,
        factor=_quotient(large["d90"], small["d90"]),
        factor_least=least if apart else None,
    )


def _direction(known: pd.DataFrame) -> tuple[Direction, bool | None]:
    """Which way, and whether steadily; beyond the grid d₉₀ is smaller or larger than any inside."""
    low, high = ranked(known)
    values = low.where(high < math.inf, high).tolist()
    if values[0] == values[-1]:
        beyond = values[0] in (0.0, math.inf)
        return ("unknown" if beyond else "stays"), None
    falls = values[-1] < values[0]
    steady = all((one >= other) if falls else (one <= other) for one, other in pairwise(values))
    return ("falls" if falls else "rises"), steady


def _quotient(large: Any, small: Any) -> float | None:
    """None where a number is not known."""
    return None if pd.isna(large) or pd.isna(small) else round(float(large) / float(small), 2)
