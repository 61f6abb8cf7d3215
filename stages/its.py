"""Stage ``its@MODEL-TASK``: the task-specific subspace of a cell, and what it is compared with."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.finetuning.result import FullResult
from pipeline.study.measured import task_spaces
from pipeline.study.opening import open_cell
from pipeline.taskspaces.learn import TaskSpace
from stages import entry


def main() -> None:
    key, params = entry.key(), entry.params()
    planned, config = task_spaces(params)[key], params.taskspaces
    assert config is not None, "without the section no item is in the graph"
    name, task = planned.model.name, planned.task
    finetune = params.task(task).finetune
    with entry.measured("its", key):
        cell = open_cell(params, planned.model, task)
        full = FullResult.read_of(paths.full_result(name, task), name, task)
        scratch = paths.scratch("its", key)
        space = TaskSpace(cell, finetune, full, params.search, config, scratch)
        result = space.learn(paths.task_space(name, task))
    logging.info("%s: %s", key, result.sentence())


if __name__ == "__main__":
    entry.run(main)
