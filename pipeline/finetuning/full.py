"""The full fine-tuning of a cell, by the paper's protocol or the efficient one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from pipeline.common.sealed import write_jsonl
from pipeline.common.status import Status
from pipeline.common.target import Demand
from pipeline.finetuning.advice import what_to_try
from pipeline.finetuning.baseline import BaselineConfig
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.efficient import Efficient, best_metrics, spread
from pipeline.finetuning.evaluation import least_error
from pipeline.finetuning.full_run import FullRun, FullRunner
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import FullResult, cost_of


def fine_tune_fully(
    cell: Cell,
    config: FinetuneConfig,
    scratch: Path,
    out: Path,
    *,
    baseline: BaselineConfig | None = None,
    demand: Demand | None = None,
    near: float | None = None,
) -> FullResult:
    """Fine-tune fully and write ``result.json`` and ``epochs.jsonl`` to ``out``.

    Each finished run goes to a journal in ``scratch`` first, so that an interrupted measurement
    repeats only the run that it was in.

    Args:
        cell: the model and the task.
        config: how the task is fine-tuned.
        scratch: for the journal.
        out: for the results.
        baseline: the protocol; by default the paper's.
        demand: what the search for d₉₀ will ask of the cell; by default what the paper asks.
        near: the neighbouring checkpoint's best learning rate, from which the efficient protocol
            starts.
    """
    baseline = baseline or BaselineConfig()
    runner = FullRunner(cell, config, scratch)
    if baseline.protocol == "efficient":
        protocol = Efficient(runner, baseline, near)
        repeated = protocol.run()
        deviations = protocol.deviations(repeated)
    else:
        repeated, deviations = [_best_of_all(runner)], ()
    result = _judged(_result(runner, repeated), demand or Demand(), runner)
    result = replace(result, deviations=deviations)
    rows = list(chain(*(run.rows() for run in runner.runs)))
    write_jsonl(out / "epochs.jsonl", rows, (result.model, result.task))
    result.write(out / "result.json")
    return result


def _best_of_all(runner: FullRunner) -> FullRun:
    """The paper's protocol: every learning rate to its end, the first of the best runs."""
    return max([runner.run(rate) for rate in runner.config.learning_rates], key=_metric)


def _metric(run: FullRun) -> float:
    return run.metric


def _result(runner: FullRunner, repeated: Sequence[FullRun]) -> FullResult:
    """The result of the runs whose mean is the full metric."""
    cell = runner.cell
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
        cost=cost_of(runner.runs),
        inputs=cell.inputs,
        data_notes=cell.data.notes(),
        threads=cell.threads,
    )
    best = max(repeated, key=_metric)
    if best.best is None:
        return result
    metrics = best_metrics(runner, repeated)
    full = float(np.mean(metrics))
    return replace(
        result,
        status=Status.OK,
        reason="",
        learning_rate=best.learning_rate,
        best_epoch=_epoch(best.best.share, runner.config.epochs),
        full_metric=full,
        full_error=kind.error(full, targets, best.answers),
        full_spread=spread(metrics, least_error(full, cell.data.eval)),
        runs=metrics,
        train_metric=best.train_metric,
        others=best.best.others,
        answers=best.answers,
    )


def _judged(result: FullResult, demand: Demand, runner: FullRunner) -> FullResult:
    """The result with the status that the search will find too, and what to try where it is bad."""
    if result.full_metric is not None and (
        refused := demand.refused(result.full_metric, result.chance, result.chance_error)
    ):
        result = replace(result, status=refused[0], reason=refused[1])
    train = runner.cell.data.train
    off_scale = train.kind.off_scale(train.labels)
    return replace(result, advice=what_to_try(result, runner.config, len(train), off_scale))


def _epoch(share: float, epochs: int) -> int:
    """The epoch, from 1, at or before whose end this share of all updates is done."""
    return math.ceil(round(share * epochs, 6))
