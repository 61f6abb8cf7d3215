"""What happened along pretraining, in sentences computed from the cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd

from pipeline.report.known import extent, located, ranked
from pipeline.report.parts import Number, Parts
from pipeline.report.shown import d90_parts, interval_parts


def sentence(task: str, rows: pd.DataFrame) -> Parts:
    """What happened to a task along pretraining, in one sentence computed from its cells.

    Estimates are compared, each told with its 95 % interval; a d₉₀ beyond the grid is told as that
    bound, and compared as such.
    """
    ordered = rows.sort_values("step")
    known = located(ordered)
    missing = len(ordered) - len(known)
    if known.empty:
        return (f"{task}: d₉₀ could not be computed at any checkpoint.",)
    left_out = f"; not computable at {missing} of {len(ordered)} checkpoints" if missing else ""
    if len(known) == 1:
        only = known.iloc[0]
        place = (f" at {unit_of(known)} ", _step(only))
        return (f"{task}: d₉₀ is ", *_told(only), *place, f"{left_out}.")
    return (f"{task}: d₉₀ ", *_movement(known), f"{left_out}.")


def not_monotone(cells: pd.DataFrame) -> str:
    """Where the probes contradict what d₉₀ rests on, in one sentence; empty where nowhere."""
    against = cells[~cells["monotone"].astype(bool)]
    if against.empty:
        return ""
    return (
        "The trainings contradict that more dimensions do no worse, on which d₉₀ rests, by more "
        f"than noise explains: {_places(against)}. Read these d₉₀ with care: training may fail at "
        "large d, by a learning rate that is too high."
    )


def all_numbers_missed(cells: pd.DataFrame) -> str:
    """Where even d = D missed, in one sentence with what to try; empty where nowhere."""
    at_all = (cells["d_max"] == cells["parameters"]) & (cells["lower"] == cells["d_max"])
    those = cells[at_all.fillna(False).astype(bool)]
    if those.empty:
        return ""
    return (
        f"Even d = D missed for {_places(those)}. So many numbers move every parameter "
        "freely, or nearly so: what was lacking is training, not dimensions, and a d₉₀ above D is "
        "one of this recipe. Try more finetune.epochs, then other search.rates."
    )


def other_threads(cells: pd.DataFrame) -> str:
    """That results come from different numbers of threads, in one sentence; empty where not."""
    used = pd.concat([cells["full_threads"], cells["search_threads"]]).dropna()
    numbers = sorted({int(number) for number in used})
    if len(numbers) < 2:
        return ""
    return (
        f"Results were computed on {', '.join(map(str, numbers[:-1]))} and {numbers[-1]} threads "
        "(columns full_threads and search_threads of cells.csv): on another number a result may "
        "differ by roundings, and by what follows from them. OMP_NUM_THREADS sets one for all."
    )


def other_devices(costs: pd.DataFrame) -> str:
    """That cells were computed on different kinds of hardware, in one sentence; empty where not."""
    kinds = sorted({str(device) for device in costs["device"] if device})
    if len(kinds) < 2:
        return ""
    return (
        f"Cells were computed on {', '.join(kinds[:-1])} and {kinds[-1]} (column device of "
        "costs.csv): on another kind a result may differ by roundings, and by what follows from "
        "them, so a difference between cells may be the hardware's."
    )


@dataclass(frozen=True)
class Hopeless:
    """Cells that full fine-tuning leaves without a d₉₀, of so many, and advice a task."""

    count: int
    cells: int
    advice: list[str]


def to_try(cells: pd.DataFrame) -> Hopeless | None:
    """What to try where full fine-tuning leaves nothing to search for; None where it never does."""
    those = cells[cells["advice"] != ""].sort_values("step")
    if those.empty:
        return None
    last = those.groupby("task", sort=False).last()
    lines = [f"{task} at {row['label']}: {row['advice']}" for task, row in last.iterrows()]
    return Hopeless(len(those), len(cells), lines)


def _places(cells: pd.DataFrame) -> str:
    """The tasks of these cells, each with its models."""
    by_task = cells.groupby("task", sort=False)["label"]
    return "; ".join(f"{task} at {', '.join(labels.astype(str))}" for task, labels in by_task)


def _told(row: pd.Series) -> Parts:
    """d₉₀ with its interval, if it lies inside the grid."""
    if row["status"] != "ok":
        return d90_parts(row)
    return (*d90_parts(row), " (", *interval_parts(row), ")")


def _step(row: pd.Series) -> Number:
    return Number(row.name, "step", str(row["step"]))


def _movement(known: pd.DataFrame) -> Parts:
    """From the first to the last of these cells, and whether all between agree."""
    first, last, unit = known.iloc[0], known.iloc[-1], unit_of(known)
    # Below the grid d₉₀ is smaller, above it larger, than any inside.
    low, high = ranked(known)
    values = low.where(high < math.inf, high).tolist()
    is_so = ("is ", *d90_parts(first))
    if len(set(values)) == 1:
        return (*is_so, f" from {unit} ", _step(first), " to ", _step(last))
    if values[0] == values[-1]:
        places = (f" both at {unit} ", _step(first), " and at ", _step(last))
        return (*is_so, *places, ", but not between them")
    falls = values[-1] < values[0]
    steady = all((one >= other) if falls else (one <= other) for one, other in pairwise(values))
    verb = ("falls" if falls else "rises") + ("" if steady else ", not steadily,")
    overlap = ", whose intervals overlap" if _overlap(first, last) else ""
    start = (f"{verb} from ", *_told(first), f" at {unit} ", _step(first))
    return (*start, " to ", *_told(last), " at ", _step(last), overlap)


def _overlap(one: pd.Series, other: pd.Series) -> bool:
    """Whether the 95 % intervals have a d in common."""
    lows, highs = zip(extent(one), extent(other), strict=True)
    return max(lows) <= min(highs)


def unit_of(cells: pd.DataFrame) -> str:
    """What one of the trajectory's steps is: an update, an epoch, a token."""
    return str(next(iter(cells["unit"]), "updates")).removesuffix("s")
