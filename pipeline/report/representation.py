"""The dimension of hidden states as a table: a row a layer, kind of state and estimator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.artifacts import Json
from pipeline.report.cell import Family, MeasuredCell, Unit
from pipeline.report.columns import Columns, column_types
from pipeline.report.results import read_each
from pipeline.taskspaces.representation.result import RepresentationResult

# The dimensions of a study's hidden states by model and task.
Representations = Mapping[tuple[str, str], RepresentationResult]


@dataclass(frozen=True)
class StateDimension:
    """The dimension of one kind of hidden states of a cell, before any fine-tuning.

    Attributes:
        model: the measured model's name, and ``label`` its name for readers.
        family: ``trajectory`` or ``zoo``.
        step: the update that the model is of; None in the zoo, and ``unit`` what it counts.
        tokens_seen: how many tokens it was pretrained on, where that is known.
        task: the task's name.
        layer: 0 for the embeddings' output, then the blocks; ``last`` marks the last.
        state: ``first``, the first token's hidden state, or ``mean``, the mean over a row's tokens.
        estimator: ``twonn`` or ``mle`` (method §8).
        dimension: the estimate; None where hidden states are all alike, as the first token's are
            before any block.
        dimension_low: its 95 % interval by bootstrap over rows, up to ``dimension_high``.
        points: rows that the estimate rests on, of ``rows`` that were looked at.
        width: numbers of a hidden state, which no dimension exceeds.
    """

    model: str
    label: str
    family: Family
    step: int | None
    unit: Unit | None
    tokens_seen: int | None
    task: str
    layer: int
    last: bool
    state: str
    estimator: str
    dimension: float | None
    dimension_low: float | None
    dimension_high: float | None
    points: int
    rows: int
    width: int


REPRESENTATION: Columns = column_types(StateDimension)


def read_representations(results: Path, cells: Sequence[MeasuredCell]) -> Representations:
    """The dimensions of these cells.

    Raises:
        UserError: one is missing, damaged or another cell's; says which stage makes it.
    """
    return read_each(results, "representation", cells, RepresentationResult.read_of)


def dimension_of(representations: Representations, cell: MeasuredCell) -> float | None:
    """TwoNN's dimension of a cell's mean states in the last layer; None where it has none."""
    result = representations.get((cell.model, cell.task))
    return None if result is None else result.of("mean", "twonn")[-1].value


def state_rows(cells: Sequence[MeasuredCell], found: Representations) -> list[Json]:
    """A row a layer, kind of state and estimator of each cell."""
    return [row for cell in cells for row in _rows(cell, found[cell.model, cell.task])]


def _rows(cell: MeasuredCell, result: RepresentationResult) -> Iterator[Json]:
    own = {**cell.named(result.step), "rows": result.rows, "width": result.width}
    last = max(one.layer for one in result.layers)
    for one in result.layers:
        yield {
            **own,
            "layer": one.layer,
            "last": one.layer == last,
            "state": one.state,
            "estimator": one.estimator,
            "dimension": one.dimension.value,
            "dimension_low": one.dimension.low,
            "dimension_high": one.dimension.high,
            "points": one.dimension.points,
        }
