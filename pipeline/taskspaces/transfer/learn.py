"""Training in one subspace from several tasks, beside the task's own and random directions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.finetuning.cell import Cell
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.finetuning.result import Cost, FullResult, cost_of
from pipeline.probes.config import SearchConfig
from pipeline.taskspaces.arms import Arms
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.learn import TaskSpace
from pipeline.taskspaces.result import Arm
from pipeline.taskspaces.snapshots import layers_of
from pipeline.taskspaces.transfer.config import TransferConfig
from pipeline.taskspaces.transfer.result import TransferArm, TransferResult, TransferTraining
from pipeline.taskspaces.transfer.unify import Learned, unified

_TRAINED: Mapping[TransferArm, Arm] = {
    "own": "basis", "unified": "basis", "transferred": "basis", "random": "random",
}  # fmt: skip


@dataclass(frozen=True)
class TaskToTry:
    """A task at the model: how it is opened and trained, and the directions that it went.

    Attributes:
        open: opens its cell, one at a time.
        finetune: its recipe.
        full: its full fine-tuning, whose learning rate everything outside the layers has.
        directions: what its own fine-tuning left.
    """

    open: Callable[[], Cell]
    finetune: FinetuneConfig
    full: FullResult
    directions: Learned


@dataclass(frozen=True)
class Transfer:
    """Compares one subspace from several tasks with the task's own at a measured model.

    Attributes:
        model: its name, and ``step`` the update that it is of.
        tasks: those with directions, by name.
        search: of the study, which decides nothing here but belongs to `TaskSpace`.
        spaces: how a subspace is trained; dimension and seeds are the transfer's own.
        config: what is compared.
        scratch: where finished trainings are kept.
    """

    model: str
    step: int
    tasks: Mapping[str, TaskToTry]
    search: SearchConfig
    spaces: TaskSpaceConfig
    config: TransferConfig
    scratch: Path

    def compare(self, out: Path) -> TransferResult:
        """Train all arms of all tasks and write ``result.json`` to ``out``."""
        enough = len(self.tasks) > 1
        found = [one for name in self.tasks for one in self._task(name)] if enough else []
        result = TransferResult(
            model=self.model,
            step=self.step,
            tasks={name: one.full.metric for name, one in self.tasks.items()},
            reason="" if enough else "fewer than two tasks have directions (taskspaces.keep)",
            trainings=tuple(found),
            cost=cost_of(found) if found else Cost(0, 0, 0.0),
        )
        result.write(out)
        return result

    def _task(self, name: str) -> list[TransferTraining]:
        """The trainings of a task: its own directions, all tasks', the others', random ones."""
        task = self.tasks[name]
        cell = task.open()
        others = [one.directions for other, one in self.tasks.items() if other != name]
        sources: Mapping[TransferArm, list[Learned]] = {
            "own": [task.directions], "unified": [task.directions, *others],
            "transferred": others, "random": [task.directions],
        }  # fmt: skip
        return [
            one for arm, source in sources.items() for one in self._arm(cell, task, arm, source)
        ]

    def _arm(
        self, cell: Cell, task: TaskToTry, arm: TransferArm, source: list[Learned]
    ) -> list[TransferTraining]:
        layers = unified(layers_of(cell), source, self.config.dimension)
        scratch = self.scratch / cell.task / arm
        space = TaskSpace(cell, task.finetune, task.full, self.search, self.spaces, scratch)
        arms: Arms = space.arms_in(layers)
        trained = [arms.run(_TRAINED[arm], seed) for seed in range(self.config.seeds)]
        return [
            TransferTraining(
                cell.task, arm, one.seed, one.dimension, one.metric, one.tokens, one.flop
            )
            for one in trained
        ]
