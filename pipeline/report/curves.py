"""What lies behind a cell's numbers, a row each: evaluations, the success curve; and the log.

Their columns are the fields of the dataclasses here, with the model and the task in front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipeline.common.artifacts import Json
from pipeline.common.sealed import read_jsonl
from pipeline.dimension.curve_point import CurvePoint
from pipeline.errors import UserError
from pipeline.report.columns import Columns, column_types

Rows = list[Json]


@dataclass(frozen=True)
class Evaluation:
    """An evaluation during a training in a subspace.

    Attributes:
        probe: which training of the cell's search it belongs to, counted from 1 in its order.
        d: the dimension of that training's subspace.
        seed: of its projection and of the order of its examples.
        learning_rate: the largest of its schedule.
        evaluation: which of that training's evaluations it is, from 1.
        eval_metric: the evaluation metric then.
    """

    probe: int
    d: int
    seed: int
    learning_rate: float
    evaluation: int
    eval_metric: float


@dataclass(frozen=True)
class FullEvaluation:
    """An evaluation during full fine-tuning.

    Attributes:
        learning_rate: the largest of its run's schedule.
        seed: of the run.
        evaluation: which of its run's evaluations it is, from 1.
        share: of all updates of the run, done by then.
        loss: the mean training loss since the evaluation before.
        eval_metric: the evaluation metric then.
    """

    learning_rate: float
    seed: int
    evaluation: int
    share: float
    loss: float
    eval_metric: float


@dataclass(frozen=True)
class Logged:
    """A line of the log of pretraining.

    Attributes:
        checkpoint: the checkpoint that the segment ends in.
        step: the update.
        loss: the mean training loss since the line before, in nats; None at the held-out loss.
        learning_rate: then.
        gradient_norm: then, before it is clipped.
        valid_loss: the loss on held-out blocks, at a segment's end.
    """

    checkpoint: str
    step: int
    loss: float | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    valid_loss: float | None = None


_CELL: Columns = {"model": "object", "task": "object"}
LEARNING: Columns = {**_CELL, **column_types(Evaluation)}
EPOCHS: Columns = {**_CELL, **column_types(FullEvaluation)}
SUCCESS: Columns = {**_CELL, **column_types(CurvePoint)}
PRETRAINING: Columns = column_types(Logged)


def learning_rows(folder: Path, model: str, task: str) -> Rows:
    """The evaluations of all trainings of a cell's search, which lies in ``folder``."""
    found = _made(folder / "trials.jsonl", (model, task), _search(model, task), _evaluations)
    return _of_cell(model, task, found)


def epoch_rows(folder: Path, model: str, task: str) -> Rows:
    """The evaluations of a cell's full fine-tuning, which lies in ``folder``."""
    remedy = f"run dvc repro baseline@{model}-{task}"
    found = _made(folder / "epochs.jsonl", (model, task), remedy, _full_evaluations)
    return _of_cell(model, task, found)


def success_rows(folder: Path, model: str, task: str) -> Rows:
    """The points of the success curve of a cell's search, which lies in ``folder``."""
    found = _made(folder / "curve.jsonl", (model, task), _search(model, task), _points)
    return _of_cell(model, task, found)


def _search(model: str, task: str) -> str:
    return f"run dvc repro search@{model}-{task}"


def logged_rows(path: Path, checkpoint: str) -> Rows:
    """The lines of a segment's log."""

    def lines(rows: list[Json]) -> Iterator[Logged]:
        for row in rows:
            known: Json = {name: row.get(name) for name in PRETRAINING if name != "checkpoint"}
            yield Logged(**{**known, "checkpoint": checkpoint})

    remedy = f"run dvc repro pretrain@{checkpoint}"
    return [asdict(one) for one in _made(path, (checkpoint,), remedy, lines)]


def _evaluations(trials: list[Json]) -> Iterator[Evaluation]:
    for probe, row in enumerate(trials, start=1):
        for evaluation, metric in enumerate(row["curve"], start=1):
            yield Evaluation(probe, row["d"], row["seed"], row["learning_rate"], evaluation, metric)


def _full_evaluations(epochs: list[Json]) -> Iterator[FullEvaluation]:
    names = ("learning_rate", "seed", "share", "loss")
    for row in epochs:
        own = {name: row[name] for name in names}
        yield FullEvaluation(**own, evaluation=row["epoch"], eval_metric=row["metric"])


def _points(rows: list[Json]) -> Iterator[CurvePoint]:
    return (CurvePoint(**row) for row in rows)


def _made(
    path: Path, whose: tuple[str, ...], remedy: str, make: Callable[[list[Json]], Iterable[Any]]
) -> list[Any]:
    try:
        return list(make(read_jsonl(path, whose)))
    except UserError as error:
        raise UserError(f"{error} ({remedy})") from error
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}): {remedy}") from error


def _of_cell(model: str, task: str, made: Iterable[Any]) -> Rows:
    """The rows with the cell that they belong to."""
    return [{"model": model, "task": task, **asdict(one)} for one in made]
