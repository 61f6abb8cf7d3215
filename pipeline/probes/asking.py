"""What the search of a cell is asked, from its full fine-tuning."""

from __future__ import annotations

from pipeline.common.status import Status
from pipeline.dimension.grid import grid_values
from pipeline.dimension.question import Question
from pipeline.dimension.status import precheck, target_metric
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import FullResult
from pipeline.finetuning.sampling import SampledEvaluation
from pipeline.probes.config import SearchConfig
from pipeline.probes.neighbour import Neighbour
from pipeline.probes.probe import ProbeTraining
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
    kind, labels = cell.data.kind, cell.data.eval.labels
    target = target_of(full, search) or 0.0
    return Question(
        grid=grid_values(search.grid, scale_count(cell.flat.spans, subspace), cell.flat.size),
        target=target,
        learning_rates=search.learning_rates,
        seeds=search.seeds,
        epochs=search.epochs or finetune.epochs,
        chance=full.chance,
        chance_error=full.chance_error,
        target_error=kind.error(target, labels, full.answers),
        near=neighbour.near() if neighbour else None,
        rate_slope=subspace.rate_slope(),
    )


def no_search(
    full: FullResult, search: SearchConfig, question: Question
) -> tuple[Status, str] | None:
    """The status and reason of a cell in which d₉₀ would mean nothing (method §2)."""
    if full.full_metric is None:
        return full.status, f"full fine-tuning: {full.reason}"
    return precheck(
        full.full_metric, question.chance, question.target, search.margin, question.chance_error
    )


def probe_training(search: SearchConfig, question: Question, cell: Cell) -> ProbeTraining:
    """How a cell's probes train: only the efficient protocol caps or samples anything."""
    if search.protocol != "efficient":
        return ProbeTraining(search.epochs, search.optimizer)
    samples = search.efficient.eval_rows is not None
    sampled = SampledEvaluation(question.target, cell.seed) if samples else None
    return ProbeTraining(search.epochs, search.optimizer, search.efficient.max_steps, sampled)
