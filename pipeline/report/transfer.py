"""One subspace from several tasks as a table: a row a model, task and arm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.artifacts import Json
from pipeline.errors import UserError
from pipeline.report.cell import Family, MeasuredCell, Unit
from pipeline.report.columns import Columns, column_types
from pipeline.report.taskspaces import over_seeds
from pipeline.taskspaces.transfer.result import TransferResult

# The comparisons of a study by model.
Transfers = Mapping[str, TransferResult]


@dataclass(frozen=True)
class TransferRow:
    """An arm of a task at a model; a model without any has a row that says why.

    Attributes:
        model: the measured model's name, and ``label`` its name for readers.
        family: ``trajectory`` or ``zoo``.
        step: the update that the model is of; None in the zoo, and ``unit`` what it counts.
        tokens_seen: how many tokens it was pretrained on, where that is known.
        task: the task's name.
        metric: the name of the task's metric.
        reason: why nothing was compared; empty where something was.
        arm: in which directions was trained: the task's ``own``, those of all tasks together
            (``unified``), those of all but this one (``transferred``), or ``random`` ones.
        tasks: how many tasks have directions.
        dimension: coordinates of all layers together.
        seeds: trainings that did not diverge at once.
        eval_metric: the mean over them of the best evaluation metric.
        eval_low: its 95 % interval by Student's t over the seeds, up to ``eval_high``; None with
            one seed.
        least: the smallest of the seeds, and ``most`` the largest.
    """

    model: str
    label: str
    family: Family
    step: int | None
    unit: Unit | None
    tokens_seen: int | None
    task: str
    metric: str
    reason: str
    arm: str
    tasks: int
    dimension: int | None
    seeds: int
    eval_metric: float | None
    eval_low: float | None
    eval_high: float | None
    least: float | None
    most: float | None


TRANSFER: Columns = column_types(TransferRow)


def read_transfers(results: Path, cells: Sequence[MeasuredCell]) -> Transfers:
    """The comparisons at the models of these cells.

    Raises:
        UserError: one is missing, damaged or another model's; says which stage makes it.
    """
    return {model: _read(results, model) for model in dict.fromkeys(one.model for one in cells)}


def _read(results: Path, model: str) -> TransferResult:
    try:
        return TransferResult.read_of(results / "transfer" / model, model)
    except UserError as error:
        raise UserError(f"{error} (run dvc repro transfer@{model})") from error


def transfer_rows(cells: Sequence[MeasuredCell], found: Transfers) -> list[Json]:
    """A row an arm of each cell, or for a cell without any the one that says why."""
    return [row for cell in cells for row in _rows(cell, found[cell.model])]


def _rows(cell: MeasuredCell, result: TransferResult) -> Iterator[Json]:
    own = {
        **cell.named(result.step),
        "metric": result.tasks.get(cell.task, ""),
        "reason": result.reason,
        "tasks": len(result.tasks),
    }
    trained = [one for one in result.trainings if one.task == cell.task]
    if not trained:
        yield {**own, "arm": "", "seeds": 0}
    for arm in dict.fromkeys(one.arm for one in trained):
        dimension = next(one.dimension for one in trained if one.arm == arm)
        values = result.metrics(cell.task, arm)
        yield {**own, "arm": arm, "dimension": dimension, **over_seeds(values)}
