"""What is measured: models, whoever made them, each on some tasks, and the searches on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from pipeline.common.config import nearest
from pipeline.errors import UserError
from pipeline.study.checkpoints import neighbours
from pipeline.study.checks import SHARED_TOKENS
from pipeline.study.params import Params
from pipeline.subspace.config import Method


@dataclass(frozen=True)
class MeasuredModel:
    """A model that tasks are measured at: a checkpoint of ours, of a suite, or of the zoo.

    Attributes:
        name: it lies in ``checkpoints/NAME/model``.
        family: whether it is a point of the trajectory, or stands beside it in the zoo.
        label: its name for readers.
        step: the trajectory's count; 0 in the zoo.
        tokens: whose tokenizer its tasks are tokenised with (``data/tasks/TOKENS/TASK``).
        tasks: those that it is fully fine-tuned on, and ``searched`` those whose d₉₀ is searched.
        neighbour: the model whose answer its searches start from, and whose learning rate its full
            fine-tunings.
    """

    name: str
    family: Literal["trajectory", "zoo"]
    label: str
    step: int
    tokens: str
    tasks: tuple[str, ...]
    searched: tuple[str, ...]
    neighbour: str | None = None


@dataclass(frozen=True)
class PlannedSearch:
    """A search for d₉₀ of a model on a task: the study's own, or with ``method`` a sweep's."""

    model: MeasuredModel
    task: str
    method: Method | None = None

    @property
    def key(self) -> str:
        """What names it in DVC."""
        parts = (self.model.name, self.task, self.method)
        return "-".join(part for part in parts if part is not None)


def measured_models(params: Params) -> list[MeasuredModel]:
    """Every model that is measured, the trajectory first, in the order of params.yaml."""
    every = tuple(params.tasks)
    before = neighbours(params.checkpoints)
    trajectory = [
        MeasuredModel(
            name=name,
            family="trajectory",
            label=name,
            step=params.checkpoints[name].step,
            tokens=SHARED_TOKENS,
            tasks=every,
            searched=every,
            neighbour=other if params.trajectory.neighbours else None,
        )
        for name, other in before.items()
    ]
    zoo = [
        MeasuredModel(
            name=name,
            family="zoo",
            label=model.label or name,
            step=0,
            tokens=name,
            tasks=params.zoo.tasks,
            searched=params.zoo.search,
        )
        for name, model in params.zoo.models.items()
    ]
    return trajectory + zoo


def measured_model(params: Params, name: str) -> MeasuredModel:
    """The measured model of that name.

    Raises:
        UserError: there is none.
    """
    models = {model.name: model for model in measured_models(params)}
    if name not in models:
        raise UserError(f"params.yaml measures no model {name!r}: {nearest(name, list(models))}")
    return models[name]


def rate_neighbour(params: Params, model: MeasuredModel, task: str) -> str | None:
    """The model whose best learning rate full fine-tuning starts from; None where it needs none."""
    several = len(params.task(task).finetune.learning_rates) > 1
    return model.neighbour if several and params.baseline.protocol == "efficient" else None


def certified(params: Params) -> dict[str, PlannedSearch]:
    """The searches of cells that get a certificate, by key: those of tasks with right answers."""
    if params.certificates is None:
        return {}
    planned = (
        PlannedSearch(model, task)
        for model in measured_models(params)
        for task in model.searched
        if params.tasks[task].data.kind == "classification"
    )
    return {search.key: search for search in planned}


def task_spaces(params: Params) -> dict[str, PlannedSearch]:
    """The searches of cells whose task-specific subspace is learned, by key."""
    return {} if params.taskspaces is None else _studied(params)


def transfers(params: Params) -> dict[str, MeasuredModel]:
    """The models at which directions of several tasks are put together, by name."""
    if params.transfer is None:
        return {}
    return {one.name: one for one in measured_models(params) if len(one.searched) > 1}


def transferred(params: Params) -> dict[str, PlannedSearch]:
    """The searches of cells that are trained in directions of several tasks, by key."""
    models = transfers(params)
    return {key: one for key, one in _studied(params).items() if one.model.name in models}


def represented(params: Params) -> dict[str, PlannedSearch]:
    """The searches of cells whose hidden states' dimension is measured beside d₉₀, by key."""
    return {} if params.representation is None else _studied(params)


def searches(params: Params) -> dict[str, PlannedSearch]:
    """Every search by its key, those for the study first, then the sweeps."""
    swept = {search.key: search for search in _sweeps(params)}
    return {**_studied(params), **swept}


def _studied(params: Params) -> dict[str, PlannedSearch]:
    """The study's own searches by their keys."""
    planned = (
        PlannedSearch(model, task) for model in measured_models(params) for task in model.searched
    )
    return {search.key: search for search in planned}


def _sweeps(params: Params) -> Iterator[PlannedSearch]:
    sweep = params.sweep
    for name, task, method in product(sweep.models, sweep.tasks, sweep.methods):
        yield PlannedSearch(measured_model(params, name), task, method)


def planned_search(params: Params, key: str) -> PlannedSearch:
    """The search of that key.

    Raises:
        UserError: there is none.
    """
    known = searches(params)
    if key not in known:
        raise UserError(f"params.yaml plans no search {key!r}: {nearest(key, list(known))}")
    return known[key]
