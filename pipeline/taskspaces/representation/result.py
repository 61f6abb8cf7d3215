"""Of how many dimensions a cell's hidden states are: ``result.json`` of its stage."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pipeline.common.config import parse
from pipeline.common.sealed import check_whose, read_sealed, write_sealed
from pipeline.finetuning.result import Cost
from pipeline.taskspaces.representation.estimators import Dimension, Estimator

State = Literal["first", "mean"]


@dataclass(frozen=True)
class LayerDimension:
    """The dimension of one kind of hidden states of a layer, by one estimator.

    Attributes:
        layer: 0 for the embeddings' output, then the blocks.
        state: ``first``, the first token's hidden state, or ``mean``, the mean over a row's tokens.
        estimator: ``twonn`` or ``mle``.
        dimension: the estimate.
    """

    layer: int
    state: State
    estimator: Estimator
    dimension: Dimension


@dataclass(frozen=True)
class RepresentationResult:
    """The dimension of a measured model's hidden states on a task's evaluation rows.

    Attributes:
        model: the measured model's name, and ``step`` the update that it is of.
        task: the task's name.
        rows: how many different rows were looked at.
        neighbours: how many neighbours of a row MLE looked at.
        width: numbers of a hidden state.
        layers: a result a layer, state and estimator.
        cost: of the forward passes; nothing is trained.
        inputs: hashes of the checkpoint and of the task.
    """

    model: str
    task: str
    step: int
    rows: int
    neighbours: int
    width: int
    layers: tuple[LayerDimension, ...]
    cost: Cost
    inputs: dict[str, str]

    def of(self, state: State, estimator: Estimator) -> tuple[Dimension, ...]:
        """A dimension a layer, the embeddings' first."""
        return tuple(
            one.dimension for one in self.layers if (one.state, one.estimator) == (state, estimator)
        )

    def sentence(self) -> str:
        """The last layer in words."""
        last = self.of("mean", "twonn")[-1]
        said = "none" if last.value is None else f"{last.value:.1f}"
        return f"dimension of the last layer's mean states {said}, from {self.rows} rows"

    def write(self, folder: Path) -> None:
        """Write the result as ``result.json``."""
        write_sealed(folder / "result.json", asdict(self))

    @staticmethod
    def read_of(folder: Path, model: str, task: str) -> RepresentationResult:
        """Read what `write` wrote of a model and task.

        Raises:
            UserError: the file is missing, damaged, of another version or of another cell.
        """
        path = folder / "result.json"
        result = parse(RepresentationResult, read_sealed(path), f"{path}: result")
        check_whose(path, (result.model, result.task), (model, task))
        return result
