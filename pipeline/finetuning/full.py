"""The full fine-tuning of a cell: a sweep of learning rates, the best epoch of the best rate."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.common.artifacts import Journal, Json, fingerprint, write_jsonl
from pipeline.common.code import code_hash
from pipeline.common.config import parse
from pipeline.common.status import Status
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import EpochScore, Run, fine_tune
from pipeline.finetuning.recipe import FinetuneConfig, Recipe
from pipeline.finetuning.result import FullResult, cost_of
from pipeline.training.parameters import Full

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class FullRun:
    """A finished run with one learning rate, as the journal keeps it.

    Attributes:
        identity: the hash of everything that decides the run.
        learning_rate: the peak of its schedule.
        diverged: its loss left the finite numbers.
        best: the epoch of its best evaluation; None where the first one diverged.
        train_metric: on training examples at that epoch, without dropout.
        answers: to the evaluation examples at that epoch, packed by the task kind.
        tokens: those trained on.
        flop: of training and evaluations.
        epochs: the scores of every epoch.
    """

    identity: str
    learning_rate: float
    diverged: bool
    best: EpochScore | None
    train_metric: float | None
    answers: str | None
    tokens: int
    flop: float
    epochs: tuple[EpochScore, ...]

    @staticmethod
    def of(row: Json, where: str) -> FullRun:
        """The run that a line of the journal was made of.

        Raises:
            UserError: a key is missing, unknown or holds something else.
        """
        return parse(FullRun, row, where)


def fine_tune_fully(cell: Cell, config: FinetuneConfig, scratch: Path, out: Path) -> FullResult:
    """Fine-tune with every learning rate and write ``result.json`` and ``epochs.jsonl`` to ``out``.

    Each finished run goes to a journal in ``scratch`` first, so that an interrupted sweep repeats
    only the run that it was in.
    """
    journal = Journal(scratch / "runs.jsonl")
    where = f"{journal.path}: run"
    known = {run.identity: run for run in (FullRun.of(row, where) for row in journal.read())}
    runs = []
    for number, rate in enumerate(config.learning_rates, start=1):
        recipe = _recipe(config, rate)
        identity = fingerprint(
            [_code(), cell.inputs, cell.seed, config.dropout, config.precision, asdict(recipe)]
        )
        if identity not in known:
            total = len(config.learning_rates)
            _LOG.info("full fine-tuning %d of %d, learning rate %g", number, total, rate)
            known[identity] = _run(cell, recipe, identity)
            journal.append(asdict(known[identity]))
        runs.append(known[identity])
    result = _result(cell, runs)
    write_jsonl(out / "epochs.jsonl", [row for run in runs for row in _epochs(run)])
    result.write(out / "result.json")
    return result


def _code() -> str:
    """The code that decides a run: a journal's run of other code is not this one's."""
    return code_hash("common", "finetuning", "models", "tasks", "training")


def _epochs(run: FullRun) -> list[Json]:
    return [{"learning_rate": run.learning_rate, **asdict(score)} for score in run.epochs]


def _recipe(config: FinetuneConfig, rate: float) -> Recipe:
    return Recipe(
        epochs=config.epochs,
        batch=config.batch,
        learning_rate=rate,
        warmup_fraction=config.warmup_fraction,
        optimizer=config.optimizer,
        train_eval_rows=config.train_eval_rows,
    )


def _run(cell: Cell, recipe: Recipe, identity: str) -> FullRun:
    cell.reset()
    data = cell.data
    run: Run[None] = fine_tune(
        cell.network, Full(cell.flat), data.train, data.eval, recipe, cell.seed, on_epoch=_report
    )
    return FullRun(
        identity=identity,
        learning_rate=recipe.learning_rate,
        diverged=run.diverged,
        best=run.best,
        train_metric=run.train_metric,
        answers=run.answers,
        tokens=run.tokens,
        flop=cell.flop(run),
        epochs=run.epochs,
    )


def _report(score: EpochScore) -> None:
    _LOG.info("  epoch %d: loss %.3f, metric %.4f", score.epoch, score.loss, score.metric)


def _result(cell: Cell, runs: Sequence[FullRun]) -> FullResult:
    kind, targets = cell.data.kind, cell.data.eval.labels
    result = FullResult(
        model=cell.name,
        task=cell.task,
        step=cell.step,
        metric=kind.metric,
        chance=kind.chance(targets),
        chance_error=kind.chance_error(targets),
        status=Status.DIVERGED,
        reason="the loss became infinite in the first epoch with every learning rate",
        parameters=cell.flat.size,
        cost=cost_of(runs),
        inputs=cell.inputs,
    )
    finished = [(run.best.metric, run) for run in runs if run.best is not None]
    if not finished:
        return result
    full, best = max(finished, key=lambda pair: pair[0])
    assert best.best is not None
    above = full > result.chance
    return replace(
        result,
        status=Status.OK if above else Status.BASELINE_AT_CHANCE,
        reason="" if above else f"{kind.metric} {full:.4f} is not above what chance gives",
        learning_rate=best.learning_rate,
        best_epoch=best.best.epoch,
        full_metric=full,
        full_error=kind.error(full, targets, best.answers),
        train_metric=best.train_metric,
        others=best.best.others,
        answers=best.answers,
    )
