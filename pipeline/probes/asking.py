"""What the search of a cell is asked, from its full fine-tuning."""

from __future__ import annotations

import math
from dataclasses import replace

from pipeline.common.status import Status
from pipeline.dimension.grid import grid_values
from pipeline.dimension.question import Question
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig, long_evaluations
from pipeline.finetuning.result import FullResult
from pipeline.finetuning.sampling import WORTH_SAMPLING, SampledEvaluation
from pipeline.probes.config import SearchConfig
from pipeline.probes.neighbour import Neighbour
from pipeline.probes.probe import ProbeTraining
from pipeline.probes.rates import offered
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import scale_count


def target_of(full: FullResult, search: SearchConfig) -> float | None:
    """The metric to reach; None where full fine-tuning diverged."""
    if full.full_metric is None:
        return None
    return search.demand().target(full.full_metric, full.chance)


def cell_question(
    cell: Cell,
    *,
    search: SearchConfig,
    subspace: SubspaceConfig,
    finetune: FinetuneConfig,
    full: FullResult,
    neighbour: Neighbour | None,
) -> Question:
    """What the cell's search is asked; its target is 0 where full fine-tuning diverged.

    Raises:
        UserError: the grid does not fit the model.
    """
    kind, labels, size = cell.data.kind, cell.data.eval.labels, cell.flat.size
    target = target_of(full, search) or 0.0
    grid = grid_values(search.grid, scale_count(cell.flat.spans, subspace), size)
    rows = len(cell.data.train)
    recipe = _training(search, finetune, rows).recipe(finetune, learning_rate=1.0)
    rates = offered(
        search.rates, search.learning_rates,
        subspace=subspace, full_rate=full.learning_rate or 1.0, size=size, grid=grid,
    )  # fmt: skip
    return Question(
        grid=grid,
        target=target,
        rates=rates,
        full=full.full_metric or 0.0,
        full_error=search.fraction * _spread(full),
        seeds=search.seeds,
        evaluations=len(recipe.evaluated_after(rows)),
        cost=recipe.updates(rows) / (math.ceil(rows / finetune.batch) * finetune.epochs),
        chance=full.chance,
        chance_error=full.chance_error,
        target_error=kind.error(target, labels, full.answers),
        near=neighbour.near() if neighbour else None,
    )


def _spread(full: FullResult) -> float:
    """The standard error of full fine-tuning's expected metric that its few runs leave.

    One run says nothing of it: then it is taken for half of the evaluation set's.
    """
    if full.full_spread is not None:
        return full.full_spread
    return (full.full_error or 0.0) / 2


def no_search(full: FullResult, search: SearchConfig) -> tuple[Status, str] | None:
    """The status and reason of a cell in which d₉₀ would mean nothing (method §2)."""
    if full.full_metric is None:
        return full.status, f"full fine-tuning: {full.reason}"
    return search.demand().refused(full.full_metric, full.chance, full.chance_error)


def probe_training(
    search: SearchConfig, finetune: FinetuneConfig, question: Question, cell: Cell
) -> ProbeTraining:
    """How a cell's probes train: only the efficient protocol caps or samples anything."""
    training = _training(search, finetune, len(cell.data.train))
    if search.protocol != "efficient" or len(cell.data.eval) < WORTH_SAMPLING:
        return training
    return replace(training, sampled=SampledEvaluation(question.target, cell.seed))


def _training(search: SearchConfig, finetune: FinetuneConfig, rows: int) -> ProbeTraining:
    """How probes train on so many rows, evaluated on everything."""
    if search.protocol != "efficient":
        return ProbeTraining(search.epochs, search.optimizer)
    asked, epochs = search.efficient, search.epochs or finetune.epochs
    often = asked.evaluations or long_evaluations(rows, finetune.batch, epochs)
    return ProbeTraining(search.epochs, search.optimizer, asked.max_steps, often)
