"""What one subspace from several tasks came to at a model: ``result.json`` of its stage."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pipeline.common.config import parse
from pipeline.common.sealed import check_whose, read_sealed, write_sealed
from pipeline.finetuning.result import Cost

TransferArm = Literal["own", "unified", "transferred", "random"]


@dataclass(frozen=True)
class TransferTraining:
    """One training in the first directions of some tasks.

    Attributes:
        task: what was trained.
        arm: in which directions: the task's ``own``, those of all tasks together (``unified``),
            those of all but this one (``transferred``), or ``random`` ones.
        seed: of the order of rows, dropout, random directions and starts.
        dimension: coordinates of all layers together.
        metric: the best evaluation metric; None where it diverged in its first epoch.
        tokens: trained on.
        flop: of training and evaluations.
    """

    task: str
    arm: TransferArm
    seed: int
    dimension: int
    metric: float | None
    tokens: int
    flop: float


@dataclass(frozen=True)
class TransferResult:
    """One subspace from several tasks at a measured model.

    Attributes:
        model: the measured model's name, and ``step`` the update that it is of.
        tasks: those that have directions, each with the name of its metric.
        reason: why there is nothing to compare; empty where there is.
        trainings: of all tasks and arms.
        cost: of these trainings.
        task: empty: it is of no single task.
    """

    model: str
    step: int
    tasks: dict[str, str]
    reason: str
    trainings: tuple[TransferTraining, ...]
    cost: Cost
    task: str = ""

    def metrics(self, task: str, arm: TransferArm) -> tuple[float, ...]:
        """The metrics of an arm's trainings on a task, in the order of the seeds."""
        return tuple(
            one.metric
            for one in self.trainings
            if (one.task, one.arm) == (task, arm) and one.metric is not None
        )

    def sentence(self) -> str:
        """The arms in words, over all tasks."""
        if not self.trainings:
            return self.reason
        means = []
        for arm in dict.fromkeys(one.arm for one in self.trainings):
            found = [value for task in self.tasks for value in self.metrics(task, arm)]
            means += [f"{arm} {sum(found) / len(found):.3f}"] if found else []
        return f"{len(self.tasks)} tasks: {', '.join(means)}"

    def write(self, folder: Path) -> None:
        """Write the result as ``result.json``."""
        write_sealed(folder / "result.json", asdict(self))

    @staticmethod
    def read_of(folder: Path, model: str) -> TransferResult:
        """Read what `write` wrote of a model.

        Raises:
            UserError: the file is missing, damaged, of another version or of another model.
        """
        path = folder / "result.json"
        result = parse(TransferResult, read_sealed(path), f"{path}: result")
        check_whose(path, (result.model,), (model,))
        return result
