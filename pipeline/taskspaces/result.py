"""What a cell's task-specific subspace came to: ``result.json`` of its stage."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pipeline.common.config import parse
from pipeline.common.sealed import check_files, check_whose, read_sealed, write_sealed
from pipeline.common.status import Status
from pipeline.finetuning.result import Cost

Arm = Literal[
    "full", "basis", "random", "one_direction", "mean_only", "frozen", "outliers_zeroed",
    "matched_zeroed",
]  # fmt: skip
Directions = Literal["own", "random"]
# Which entries were outliers, and where the parameters lie that they are of.
OUTLIERS = "outliers.safetensors"


@dataclass(frozen=True)
class ArmTraining:
    """One training of an arm.

    Attributes:
        arm: what was trained: everything (``full``), the task's own directions (``basis``), as many
            random ones (``random``), the first of the task's alone (``one_direction``), the mean of
            the snapshots as the only direction (``mean_only``), no layer (``frozen``), or
            everything after the outliers' weights, or matched other weights, were set to zero.
        seed: of the order of rows, dropout, random directions and starts.
        dimension: coordinates of all layers together; 0 where layers are trained whole or frozen.
        trained: all numbers that were trained, those outside the layers among them.
        metric: the best evaluation metric; None where it diverged in its first epoch.
        train_metric: the metric on training examples there.
        tokens: trained on.
        flop: of training and evaluations.
    """

    arm: Arm
    seed: int
    dimension: int
    trained: int
    metric: float | None
    train_metric: float | None
    tokens: int
    flop: float


@dataclass(frozen=True)
class OwnSearch:
    """A search for d₉₀ in the task's own directions, or in random ones on the same rows.

    Attributes:
        directions: ``own`` or ``random``.
        status: where d₉₀ lies or why there is none, and ``reason`` in words.
        d90: the estimate (method §2), with its 95 % interval ``d90_low`` to ``d90_high``.
        d90_above: of a search that is ``not_reached``, whether the estimate lies above the grid.
        d_min: the smallest d of the grid, ``d_max`` the largest.
        target: the metric to reach.
        probes: how many trainings it rests on.
        cost: of these trainings.
    """

    directions: Directions
    status: Status
    reason: str
    d90: int | None
    d90_low: int | None
    d90_high: int | None
    d90_above: bool
    d_min: int
    d_max: int
    target: float | None
    probes: int
    cost: Cost


@dataclass(frozen=True)
class Component:
    """The outliers in one kind of parameter, over all layers.

    Attributes:
        name: its name within a layer.
        entries: how many it has.
        outliers: how many are.
    """

    name: str
    entries: int
    outliers: int


@dataclass(frozen=True)
class TaskSpaceResult:
    """The task-specific subspace of a measured model on a task (method §8).

    Attributes:
        model: the measured model's name, and ``step`` the update that it is of.
        task: the task's name.
        metric: the name of the task's metric, and ``chance`` that of the best constant answer.
        status: ``ok``, or why there is none, and ``reason`` in words.
        snapshots: t.
        layers: how many have a subspace.
        dimension: directions a layer, less where the snapshots had fewer.
        rows: ``same`` or ``halves``, and ``centre``, ``subtract``, ``initial`` as they were asked
            for.
        learning_rate: of everything but θ^t.
        first_cosine: |cos| of the first direction and θ₀, the mean over layers: near 1 where that
            direction only scales the layer.
        first_share: the share of the snapshots' sum of squares along it, likewise.
        trainings: of all arms.
        searches: for d₉₀ in the task's own directions and in random ones, where that was asked for.
        components: where the outliers sit, most first.
        matched: how many other entries could be matched with them.
        outliers_sha256: hash of their file; None without a result.
        cost: of all trainings.
        inputs: hashes of the checkpoint and of the task.
    """

    model: str
    task: str
    step: int
    metric: str
    chance: float
    status: Status
    reason: str
    snapshots: int
    layers: int
    dimension: int
    rows: str
    centre: bool
    subtract: bool
    initial: str
    cost: Cost
    inputs: dict[str, str]
    learning_rate: float | None = None
    first_cosine: float | None = None
    first_share: float | None = None
    trainings: tuple[ArmTraining, ...] = ()
    searches: tuple[OwnSearch, ...] = ()
    components: tuple[Component, ...] = ()
    matched: int = 0
    outliers_sha256: str | None = None

    def metrics(self, arm: Arm) -> tuple[float, ...]:
        """The metrics of an arm's trainings, in the order of the seeds."""
        return tuple(
            one.metric for one in self.trainings if one.arm == arm and one.metric is not None
        )

    def sentence(self) -> str:
        """The arms in words."""
        if not self.trainings:
            return f"{self.status}, {self.reason}"
        means = (
            f"{arm} {sum(found) / len(found):.3f}"
            for arm in dict.fromkeys(one.arm for one in self.trainings)
            if (found := self.metrics(arm))
        )
        return f"{self.metric}: {', '.join(means)}"

    def write(self, folder: Path) -> None:
        """Write the result as ``result.json``."""
        write_sealed(folder / "result.json", asdict(self))

    @staticmethod
    def read_of(folder: Path, model: str, task: str) -> TaskSpaceResult:
        """Read what `write` wrote of a model and task, and see that the outliers' file is whole.

        Raises:
            UserError: a file is missing, damaged, of another version or of another cell.
        """
        path = folder / "result.json"
        result = parse(TaskSpaceResult, read_sealed(path), f"{path}: result")
        check_whose(path, (result.model, result.task), (model, task))
        if result.outliers_sha256 is not None:
            check_files(folder, {OUTLIERS: result.outliers_sha256})
        return result
