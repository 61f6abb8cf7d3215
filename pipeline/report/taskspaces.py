"""Task-specific subspaces as tables: a row an arm, and a row a kind of parameter with outliers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from pipeline.common.artifacts import Json
from pipeline.report.cell import Family, MeasuredCell, Unit
from pipeline.report.columns import Columns, column_meanings, column_types
from pipeline.report.results import read_each
from pipeline.taskspaces.result import OUTLIERS, ArmTraining, OwnSearch, TaskSpaceResult

# The task-specific subspaces of a study by model and task.
TaskSpaces = Mapping[tuple[str, str], TaskSpaceResult]


@dataclass(frozen=True)
class ComparedArm:
    """An arm of a cell's comparison; a cell without one has a row that says why.

    Attributes:
        model: the measured model's name, and ``label`` its name for readers.
        family: ``trajectory`` or ``zoo``.
        step: the update that the model is of; None in the zoo, and ``unit`` what it counts.
        tokens_seen: how many tokens it was pretrained on, where that is known.
        task: the task's name.
        metric: the name of the task's metric.
        status: ``ok``, or why there is nothing to compare, and ``reason`` in words.
        arm: what was trained (method §8).
        snapshots: t, of the full fine-tuning that the basis is learned from.
        rows: ``same`` or ``halves``, and ``centre``, ``subtract``, ``initial`` as they were asked
            for (`taskspaces` in params.yaml).
        dimension: coordinates of all layers together; 0 where layers are trained whole or frozen.
        trained: all numbers that were trained, those outside the layers among them.
        seeds: trainings that did not diverge at once.
        eval_metric: the mean over them of the best evaluation metric.
        eval_low: its 95 % interval by Student's t over the seeds, up to ``eval_high``; None with
            one seed.
        least: the smallest of the seeds, and ``most`` the largest.
        first_cosine: |cos| of the first direction and θ₀, the mean over layers.
        first_share: the share of the snapshots' sum of squares along it, likewise.
    """

    model: str
    label: str
    family: Family
    step: int | None
    unit: Unit | None
    tokens_seen: int | None
    task: str
    metric: str
    status: str
    reason: str
    arm: str
    snapshots: int
    rows: str
    centre: bool
    subtract: bool
    initial: str
    dimension: int | None
    trained: int | None
    seeds: int
    eval_metric: float | None
    eval_low: float | None
    eval_high: float | None
    least: float | None
    most: float | None
    first_cosine: float | None
    first_share: float | None


@dataclass(frozen=True)
class OutlierRow:
    """The outlier dimensions of a cell in one kind of parameter, and in all of them.

    Attributes:
        model: the measured model's name, and ``label`` its name for readers.
        task: the task's name.
        component: the parameter's name within a layer, or ``(all)``.
        entries: how many entries it has in all layers.
        outliers: how many of them a task moves beyond the bound.
        matched: of all components, how many others like them could be found.
        before: the measured checkpoint before this one, where there is one.
        shared: of all components, the share of the outliers that were outliers there too, and
            ``by_chance`` what it would be if in each parameter those were drawn at random.
    """

    model: str
    label: str
    task: str
    component: str
    entries: int
    outliers: int
    matched: int | None
    before: str
    shared: float | None
    by_chance: float | None


@dataclass(frozen=True)
class OwnD90:
    """d₉₀ of a cell in its task's own directions, or in random ones on the same rows.

    Attributes:
        model: the measured model's name, and ``label`` its name for readers.
        family: ``trajectory`` or ``zoo``.
        step: the update that the model is of; None in the zoo, and ``unit`` what it counts.
        tokens_seen: how many tokens it was pretrained on, where that is known.
        task: the task's name.
        metric: the name of the task's metric.
        search: see `OwnSearch`.
    """

    model: str
    label: str
    family: Family
    step: int | None
    unit: Unit | None
    tokens_seen: int | None
    task: str
    metric: str
    search: OwnSearch


OWN: Columns = {name.removeprefix("search_"): kind for name, kind in column_types(OwnD90).items()}
TASKSPACES: Columns = column_types(ComparedArm)
OUTLIER_COLUMNS: Columns = column_types(OutlierRow)
ALL = "(all)"
_OF_RESULT = (
    "metric", "reason", "snapshots", "rows", "centre", "subtract", "initial", "first_cosine",
    "first_share",
)  # fmt: skip


def read_task_spaces(results: Path, cells: Sequence[MeasuredCell]) -> TaskSpaces:
    """The task-specific subspaces of these cells.

    Raises:
        UserError: one is missing, damaged or another cell's; says which stage makes it.
    """
    return read_each(results, "its", cells, TaskSpaceResult.read_of)


def arm_rows(cells: Sequence[MeasuredCell], spaces: TaskSpaces) -> list[Json]:
    """A row an arm of each cell, or for a cell without any the one that says why."""
    return [row for cell in cells for row in _arms(cell, spaces[cell.model, cell.task])]


def own_meanings() -> dict[str, str]:
    """What each column of `OWN` is, in words."""
    return {
        name.removeprefix("search_"): said.removeprefix("see `OwnSearch`: ")
        for name, said in column_meanings(OwnD90).items()
    }


def own_rows(cells: Sequence[MeasuredCell], spaces: TaskSpaces) -> list[Json]:
    """A row a search for d₉₀ in the task's own directions, or in random ones."""
    return [row for cell in cells for row in _own(cell, spaces[cell.model, cell.task])]


def outlier_rows(
    results: Path, cells: Sequence[MeasuredCell], spaces: TaskSpaces
) -> Iterator[Json]:
    """A row a cell for all its outliers, then one for each component that has any."""
    before: dict[str, MeasuredCell] = {}
    for cell in cells:
        result = spaces[cell.model, cell.task]
        if result.outliers_sha256 is None:
            continue
        own: Json = {"model": cell.model, "label": cell.label, "task": cell.task}
        blank = {"matched": None, "before": "", "shared": None, "by_chance": None}
        whole = {
            "component": ALL,
            "entries": sum(one.entries for one in result.components),
            "outliers": sum(one.outliers for one in result.components),
        }
        last = before.get(cell.task) if cell.family == "trajectory" else None
        overlap = _overlap(results, last, cell) if last else {}
        yield {**own, **blank, **whole, "matched": result.matched, **overlap}
        for one in (one for one in result.components if one.outliers):
            counts = {"component": one.name, "entries": one.entries, "outliers": one.outliers}
            yield {**own, **blank, **counts}
        before[cell.task] = cell


def _own(cell: MeasuredCell, result: TaskSpaceResult) -> Iterator[Json]:
    own = {**cell.named(result.step), "metric": result.metric}
    for one in result.searches:
        found = {**asdict(one), "status": one.status.value}
        cost = {f"cost_{name}": value for name, value in found.pop("cost").items()}
        yield {**own, **found, **cost}


def _arms(cell: MeasuredCell, result: TaskSpaceResult) -> Iterator[Json]:
    own = {
        **cell.named(result.step),
        **{name: getattr(result, name) for name in _OF_RESULT},
        "status": result.status.value,
    }
    arms: dict[str, list[ArmTraining]] = {}
    for one in result.trainings:
        arms.setdefault(one.arm, []).append(one)
    if not arms:
        yield {**own, "arm": "", "seeds": 0}
    for arm, trained in arms.items():
        values = [one.metric for one in trained if one.metric is not None]
        size = {"dimension": trained[0].dimension, "trained": trained[0].trained}
        yield {**own, "arm": arm, **size, **over_seeds(values)}


def over_seeds(values: Sequence[float]) -> Json:
    """The mean with its interval, and the range."""
    if not values:
        return {"seeds": 0}
    found: Json = {"seeds": len(values), "least": min(values), "most": max(values)}
    found["eval_metric"] = mean = fmean(values)
    if len(values) > 1:
        from scipy.special import stdtrit

        quantile = float(stdtrit(len(values) - 1, 0.975))
        reach = quantile * stdev(values) / math.sqrt(len(values))
        found |= {"eval_low": mean - reach, "eval_high": mean + reach}
    return found


def _overlap(results: Path, before: MeasuredCell, cell: MeasuredCell) -> dict[str, Any]:
    """How many of a cell's outliers were outliers at the checkpoint before, against chance."""
    then, now = (_outliers(results, one) for one in (before, cell))
    inside = [
        [np.searchsorted(one["outliers"], one[end]) for end in ("starts", "stops")]
        for one in (then, now)
    ]
    counts_then, counts_now = (stops - starts for starts, stops in inside)
    count = len(now["outliers"])
    if not count:
        return {"before": before.label}
    expected = counts_then * counts_now / (now["stops"] - now["starts"])
    shared = len(np.intersect1d(then["outliers"], now["outliers"], assume_unique=True))
    return {
        "before": before.label,
        "shared": shared / count,
        "by_chance": float(expected.sum() / count),
    }


def _outliers(results: Path, cell: MeasuredCell) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return load_file(results / "its" / cell.model / cell.task / OUTLIERS)
