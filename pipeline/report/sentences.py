"""What happened along pretraining, in sentences computed from the cells."""

from __future__ import annotations

import math
from itertools import pairwise

import pandas as pd

from pipeline.report.shown import d90_shown


def sentence(task: str, rows: pd.DataFrame) -> str:
    """What happened to a task along pretraining, in one sentence computed from its cells.

    A d₉₀ above the largest d or below the smallest is told as that bound, and compared as such.
    """
    ordered = rows.sort_values("step")
    known = ordered[ordered["d90"].notna() | (ordered["status"] == "not_reached")]
    missing = len(ordered) - len(known)
    if known.empty:
        return f"{task}: d₉₀ could not be computed at any checkpoint."
    left_out = f"; not computable at {missing} of {len(ordered)} checkpoints" if missing else ""
    if len(known) == 1:
        only = known.iloc[0]
        return f"{task}: d₉₀ is {d90_shown(only)} at {unit_of(known)} {only['step']}{left_out}."
    return f"{task}: d₉₀ {_movement(known)}{left_out}."


def _movement(known: pd.DataFrame) -> str:
    """From the first to the last of these cells, and whether all between agree."""
    first, last, unit = known.iloc[0], known.iloc[-1], unit_of(known)
    values = known["d90"].astype(float).fillna(math.inf).tolist()
    if len(set(values)) == 1:
        return f"is {d90_shown(first)} from {unit} {first['step']} to {last['step']}"
    if values[0] == values[-1]:
        return (
            f"is {d90_shown(first)} both at {unit} {first['step']} and at {last['step']}, but not "
            "between them"
        )
    falls = values[-1] < values[0]
    steady = all((one >= other) if falls else (one <= other) for one, other in pairwise(values))
    verb = ("falls" if falls else "rises") + ("" if steady else ", not steadily,")
    return (
        f"{verb} from {d90_shown(first)} at {unit} {first['step']} to {d90_shown(last)} at "
        f"{last['step']}"
    )


def unit_of(cells: pd.DataFrame) -> str:
    """What one of the trajectory's steps is: an update, an epoch, a token."""
    return str(next(iter(cells["unit"]), "updates")).removesuffix("s")
