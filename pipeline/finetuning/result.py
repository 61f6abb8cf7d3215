"""What full fine-tuning of a cell came to: ``result.json`` of its stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from pipeline.common.config import parse
from pipeline.common.sealed import check_whose, read_sealed, write_sealed
from pipeline.common.status import Status


class Costly(Protocol):
    """A training that knows the tokens it trained on, and its FLOP."""

    @property
    def tokens(self) -> int:
        """Tokens trained on."""

    @property
    def flop(self) -> float:
        """FLOP of training and evaluations."""


@dataclass(frozen=True)
class Cost:
    """What trainings cost, evaluations included and padding left out.

    Attributes:
        runs: how many.
        tokens: trained on.
        flop: of training and evaluations.
    """

    runs: int
    tokens: int
    flop: float


def cost_of(trainings: Sequence[Costly]) -> Cost:
    """The cost of some trainings together."""
    tokens = sum(training.tokens for training in trainings)
    return Cost(len(trainings), tokens, sum(training.flop for training in trainings))


@dataclass(frozen=True)
class FullResult:
    """Full fine-tuning of a measured model on a task.

    Attributes:
        model: the measured model's name, and ``step`` the update that it is of (0 without one).
        task: the task's name.
        metric: the name of the task's metric, such as ``accuracy``.
        chance: the metric of the best answer that does not look at the text, and ``chance_error``
            its standard error on the evaluation examples.
        status: whether a d₉₀ can be asked for, as the search will find too, and ``reason`` why not.
        advice: what to try where it cannot, the likeliest first.
        parameters: D, those of the model with the task's head.
        learning_rate: that of the best run, and ``best_epoch`` the epoch of its best evaluation.
        full_metric: the expected best evaluation metric, the mean of ``runs``; None where every
            run diverged.
        full_error: its standard error on the evaluation examples.
        full_spread: its standard error over training seeds; None where one run was made.
        runs: the best evaluation metric of each run with the best learning rate, a seed each; with
            the paper's protocol that of the one best run.
        train_metric: the metric on training examples at the best run's best evaluation, without
            dropout.
        others: the task kind's further metrics there, such as ``f1``.
        answers: the answers to the evaluation examples there, packed by the task kind.
        cost: of all runs.
        inputs: hashes of the checkpoint and of the task.
        threads: that the last of it was computed on; None on a GPU.
        deviations: in what the runs depart from the paper's full fine-tuning.
        data_notes: what was noticed of the task's rows (`pipeline.tasks.notes`).
    """

    model: str
    task: str
    step: int
    metric: str
    chance: float
    chance_error: float
    status: Status
    reason: str
    parameters: int
    cost: Cost
    inputs: dict[str, str]
    learning_rate: float | None = None
    best_epoch: int | None = None
    full_metric: float | None = None
    full_error: float | None = None
    full_spread: float | None = None
    runs: tuple[float, ...] = ()
    train_metric: float | None = None
    others: dict[str, float] = field(default_factory=dict)
    answers: str | None = None
    deviations: tuple[str, ...] = ()
    data_notes: tuple[str, ...] = ()
    advice: str = ""
    threads: int | None = None

    def rate(self) -> float | None:
        """The best learning rate; None where nothing was learned with any."""
        learned = self.full_metric is not None and self.full_metric > self.chance
        return self.learning_rate if learned else None

    def write(self, path: Path) -> None:
        """Write the result as JSON."""
        write_sealed(path, asdict(self))

    @staticmethod
    def read(path: Path) -> FullResult:
        """Read what `write` wrote.

        Raises:
            UserError: the file is missing, damaged, or of another version.
        """
        return parse(FullResult, read_sealed(path), f"{path}: result")

    @staticmethod
    def read_of(path: Path, model: str, task: str) -> FullResult:
        """The same, of a result that must be that of a model and task.

        Raises:
            UserError: also where it is another cell's.
        """
        result = FullResult.read(path)
        check_whose(path, (result.model, result.task), (model, task))
        return result
