"""The dimension of a cell's hidden states before any fine-tuning, layer by layer."""

from __future__ import annotations

from pathlib import Path

from pipeline.common.seeds import numpy_generator
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.result import Cost
from pipeline.taskspaces.representation.config import RepresentationConfig
from pipeline.taskspaces.representation.estimators import dimensions
from pipeline.taskspaces.representation.result import LayerDimension, RepresentationResult
from pipeline.taskspaces.representation.states import distinct, hidden_states


def measure(
    cell: Cell, config: RepresentationConfig, batch: int, out: Path
) -> RepresentationResult:
    """Measure a cell and write ``result.json`` to ``out``.

    Args:
        cell: the model and the task, on whose evaluation rows it is measured.
        config: how.
        batch: rows of a forward pass.
        out: where the result goes.

    Raises:
        UserError: the model gives no hidden states.
    """
    rows = distinct(cell.data.eval).sample(config.rows)
    states = hidden_states(cell.network, rows, batch)
    found = [
        LayerDimension(layer, state, estimator, dimension)
        for state, clouds in states.items()
        for layer, points in enumerate(clouds)
        for estimator, dimension in dimensions(
            points,
            config.neighbours,
            config.draws,
            numpy_generator(cell.seed, "representation", state, layer),
        ).items()
    ]
    tokens = sum(map(len, rows.input_ids))
    flop = tokens * cell.token_cost.evaluation_flop(tokens / len(rows))
    result = RepresentationResult(
        model=cell.name,
        task=cell.task,
        step=cell.step,
        rows=len(rows),
        neighbours=config.neighbours,
        width=states["mean"].shape[2],
        layers=tuple(found),
        cost=Cost(0, 0, flop),
        inputs=cell.inputs,
    )
    result.write(out)
    return result
