"""A planned cell, opened from where the study has its model and its task."""

from __future__ import annotations

from pipeline import paths
from pipeline.finetuning.cell import Cell
from pipeline.study.measured import MeasuredModel
from pipeline.study.params import Params


def open_cell(params: Params, model: MeasuredModel, task: str, *, subspace: bool = False) -> Cell:
    """The cell of a measured model and a task, its inputs checked.

    Args:
        params: the study's.
        model: the measured model.
        task: the task's name.
        subspace: as `Cell.open`.

    Raises:
        UserError: as `Cell.open`.
    """
    return Cell.open(
        name=model.name,
        task=task,
        model_dir=paths.model(model.name),
        task_dir=paths.task(model.tokens, task),
        config=params.task(task).finetune,
        seed=params.seed,
        subspace=subspace,
    )
