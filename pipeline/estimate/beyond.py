"""What is expected of the stages that go beyond d₉₀, where a study asks for them."""

from __future__ import annotations

from dataclasses import replace

from pipeline.dimension.grid import grid_values
from pipeline.estimate.expected import Searched, evaluations_an_epoch, search_trainings
from pipeline.estimate.sums import Sized, Sum
from pipeline.study.params import Params

# Whole trainings that an arm's seed is, of how many arms (method §8).
_ARMS = 8
# Of directions of several tasks.
_SHARED = 4


def add_beyond(params: Params, group: Sized, name: str, total: Sum) -> None:
    """Add a cell's certificate, task-specific subspace and hidden states, by stage."""
    if name not in group.model.searched:
        return
    if params.certificates is not None and params.tasks[name].data.kind == "classification":
        _add_certificate(params, group, name, total)
    if params.taskspaces is not None:
        _add_task_space(params, group, name, total)
    if params.representation is not None:
        size, rows = group.size.encoder, group.tasks[name].eval
        part = min(1.0, params.representation.rows / rows.rows)
        total.look("representation", size, rows, part)


def add_transfer(params: Params, group: Sized, total: Sum) -> None:
    """Add the trainings of a model in directions of several tasks."""
    if params.transfer is None or params.taskspaces is None or len(group.model.searched) < 2:
        return
    half = 0.5 if params.taskspaces.rows == "halves" else 1.0
    for name in group.model.searched:
        epochs = _SHARED * params.transfer.seeds * params.tasks[name].finetune.epochs
        total.add("transfer", group.size.encoder, group.tasks[name], epochs, share=half)


def _add_certificate(params: Params, group: Sized, name: str, total: Sum) -> None:
    """A training at each d of the table and at d₉₀, tuned and tried at each number of levels."""
    config, size, task = params.certificates, group.size.encoder, group.tasks[name]
    assert config is not None
    trainings = 1 + sum(d <= group.size.parameters for d in config.d)
    files = trainings * len(config.levels)
    epochs = params.search.epochs or params.tasks[name].finetune.epochs
    total.add("bound", size, task, trainings * epochs + files * config.epochs)
    total.look("bound", size, task.train, files)
    total.look("bound", size, task.eval, files)


def _add_task_space(params: Params, group: Sized, name: str, total: Sum) -> None:
    """Snapshots, eight arms, and both searches where they are asked for."""
    config, size, task = params.taskspaces, group.size.encoder, group.tasks[name]
    assert config is not None
    finetune = params.tasks[name].finetune
    half = 0.5 if config.rows == "halves" else 1.0
    arms = _ARMS * config.seeds * finetune.epochs
    total.add("its", size, task, config.snapshots + arms, share=half)
    if not config.search:
        return
    search = params.search
    own = config.snapshots * (size.layers + 2)
    often = evaluations_an_epoch(search, finetune, round(half * task.train.rows))
    for largest in (own, group.size.parameters):
        grid = replace(search.grid, minimum=1, maximum=largest, values=None)
        searched = Searched(grid_values(grid, 0, largest), task.eval.rows, False, often)
        epochs = search_trainings(search, searched) * (search.epochs or finetune.epochs)
        total.add("its", size, task, epochs, share=half)
