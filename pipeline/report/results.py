"""Results of measured cells, read from the folders that their stages wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.common.sealed import check_files, check_whose, read_jsonl
from pipeline.dimension.record import Ending
from pipeline.dimension.sweep_grid import left_out
from pipeline.errors import UserError
from pipeline.finetuning.result import FullResult
from pipeline.probes.result import SearchResult
from pipeline.report.cell import MeasuredCell, SweepCell

Result = TypeVar("Result")
# Of a training that did not reach: what the tables call its ending.
_STATUSES = {
    Ending.COMPLETE: "missed",
    Ending.REACHED: "missed",
    Ending.HOPELESS: "stopped",
    Ending.DIVERGED: "diverged",
}


@dataclass(frozen=True)
class Training:
    """One training in a subspace, as the tables show it.

    Attributes:
        d: the dimension of the subspace.
        status: ``reached``, ``missed``, ``stopped`` or ``diverged``; ``left_out`` for a d of a
            sweep that the model does not allow, with the ``reason`` and nothing else.
        seed: of the projection and of the order of the examples.
        learning_rate: the largest of its schedule.
        eval_metric: the best evaluation metric, at ``best_epoch`` of ``epochs_run``, and
            ``train_metric`` that of training examples there.
        tokens: trained on.
        flop: of training and evaluations.
    """

    d: int
    status: str
    seed: int | None = None
    learning_rate: float | None = None
    eval_metric: float | None = None
    best_epoch: int | None = None
    epochs_run: int | None = None
    train_metric: float | None = None
    tokens: int | None = None
    flop: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class CellResults:
    """Full fine-tuning of a cell, a search for its d₉₀, and the trainings of that search."""

    full: FullResult
    search: SearchResult
    trainings: tuple[Training, ...]


def read_cell(results: Path, cell: MeasuredCell) -> CellResults:
    """The results of a cell and its search.

    Raises:
        UserError: one is missing or damaged; says which stage makes it.
    """
    remedy = f"run dvc repro search@{cell.model}-{cell.task}"
    return _read(results, cell, results / "search" / cell.model / cell.task, remedy)


def read_sweep(results: Path, sweep: SweepCell) -> CellResults:
    """The results of a sweep: its trainings, and a row for each d that the model does not allow.

    Raises:
        UserError: one is missing or damaged; says which stage makes it.
    """
    model, task = sweep.cell.model, sweep.cell.task
    remedy = f"run dvc repro search@{model}-{task}-{sweep.method}"
    folder = results / "sweep" / model / task / sweep.method
    found = _read(results, sweep.cell, folder, remedy)
    check_whose(folder / "result.json", (found.search.method,), (sweep.method,))
    impossible = [
        Training(d, "left_out", reason=reason)
        for d in sweep.values
        if (reason := left_out(d, found.search.layers, found.full.parameters)) is not None
    ]
    trainings = sorted([*impossible, *found.trainings], key=lambda training: training.d)
    return CellResults(found.full, found.search, tuple(trainings))


def read_each(
    results: Path,
    stage: str,
    cells: Sequence[MeasuredCell],
    read: Callable[[Path, str, str], Result],
) -> dict[tuple[str, str], Result]:
    """What a further stage found of each of these cells, by model and task.

    Args:
        results: the folder of all results; those of the stage are in one of its name.
        stage: its name in dvc.yaml.
        cells: whose.
        read: reads a cell's folder, given its model and task.

    Raises:
        UserError: one is missing, damaged or another cell's; says which stage makes it.
    """
    return {
        (cell.model, cell.task): _result(
            read, results / stage / cell.model / cell.task, cell,
            f"run dvc repro {stage}@{cell.model}-{cell.task}",
        )
        for cell in cells
    }  # fmt: skip


def _read(results: Path, cell: MeasuredCell, folder: Path, remedy: str) -> CellResults:
    baseline = results / "baseline" / cell.model / cell.task / "result.json"
    again = f"run dvc repro baseline@{cell.model}-{cell.task}"
    full = _result(FullResult.read_of, baseline, cell, again)
    search = _result(SearchResult.read_of, folder / "result.json", cell, remedy)
    return CellResults(full, search, _trainings(folder / "trials.jsonl", search, remedy))


def _result(
    read: Callable[[Path, str, str], Result], path: Path, cell: MeasuredCell, remedy: str
) -> Result:
    try:
        return read(path, cell.model, cell.task)
    except UserError as error:
        raise UserError(f"{error} ({remedy})") from error


def _trainings(path: Path, search: SearchResult, remedy: str) -> tuple[Training, ...]:
    count = search.probes
    try:
        check_files(path.parent, {path.name: search.trials_sha256 or ""})
        trainings = tuple(map(_training, read_jsonl(path, (search.model, search.task))))
    except UserError as error:
        raise UserError(f"{error} ({remedy})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is of another version ({error}): {remedy}") from error
    if len(trainings) != count:
        raise UserError(f"{path} holds {len(trainings)} probes instead of {count}: {remedy}")
    return trainings


def _training(record: Mapping[str, Any]) -> Training:
    """A probe's record in ``trials.jsonl`` as the tables show it."""
    names = (
        "d", "seed", "learning_rate", "best_epoch", "epochs_run", "train_metric",
        "tokens", "flop",
    )  # fmt: skip
    return Training(
        status="reached" if record["reached"] else _STATUSES[Ending(record["ended"])],
        eval_metric=record["metric"],
        **{name: record[name] for name in names},
    )
