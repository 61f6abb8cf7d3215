"""What the search of a cell is asked, from its full fine-tuning."""

from __future__ import annotations

import math

from pipeline.common.status import Status
from pipeline.dimension.grid import grid_values
from pipeline.dimension.question import Question
from pipeline.dimension.status import precheck, target_metric
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
    return target_metric(full.full_metric, full.chance, search.fraction, search.target)


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
    epochs = search.epochs or finetune.epochs
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
        evaluations=_evaluations(search, finetune, len(cell.data.train)) or epochs,
        cost=_updates(search, finetune, len(cell.data.train)) / finetune.epochs,
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


def _updates(search: SearchConfig, finetune: FinetuneConfig, rows: int) -> float:
    """How long a whole probe trains, in epochs."""
    epochs = search.epochs or finetune.epochs
    cap = search.efficient.max_steps if search.protocol == "efficient" else None
    return epochs if cap is None else min(epochs, cap / math.ceil(rows / finetune.batch))


def _evaluations(search: SearchConfig, finetune: FinetuneConfig, rows: int) -> int | None:
    """Evaluations of a whole probe where they are not one an epoch."""
    if search.protocol != "efficient":
        return None
    own = search.efficient.evaluations
    return own or long_evaluations(rows, finetune.batch, search.epochs or finetune.epochs)


def no_search(
    full: FullResult, search: SearchConfig, question: Question
) -> tuple[Status, str] | None:
    """The status and reason of a cell in which d₉₀ would mean nothing (method §2)."""
    if full.full_metric is None:
        return full.status, f"full fine-tuning: {full.reason}"
    return precheck(
        full.full_metric, question.chance, question.target, search.margin, question.chance_error
    )


def probe_training(
    search: SearchConfig, finetune: FinetuneConfig, question: Question, cell: Cell
) -> ProbeTraining:
    """How a cell's probes train: only the efficient protocol caps or samples anything."""
    if search.protocol != "efficient":
        return ProbeTraining(search.epochs, search.optimizer)
    worth = len(cell.data.eval) >= WORTH_SAMPLING
    return ProbeTraining(
        search.epochs,
        search.optimizer,
        search.efficient.max_steps,
        _evaluations(search, finetune, len(cell.data.train)),
        SampledEvaluation(question.target, cell.seed) if worth else None,
    )
