"""Stage ``transfer@MODEL``: one subspace from several tasks, and its worth to a held-out one."""

from __future__ import annotations

import logging
from functools import partial

from pipeline import paths
from pipeline.finetuning.result import FullResult
from pipeline.study.measured import transfers
from pipeline.study.opening import open_cell
from pipeline.taskspaces.transfer.learn import TaskToTry, Transfer
from pipeline.taskspaces.transfer.unify import kept_directions
from stages import entry


def main() -> None:
    key, params = entry.key(), entry.params()
    model, config, spaces = transfers(params)[key], params.transfer, params.taskspaces
    assert config is not None and spaces is not None, "without the sections no item is in the graph"
    tasks = {}
    for task in model.searched:
        directions = kept_directions(paths.task_space(model.name, task))
        full = FullResult.read_of(paths.full_result(model.name, task), model.name, task)
        if directions is not None and full.learning_rate is not None:
            opened = partial(open_cell, params, model, task)
            tasks[task] = TaskToTry(opened, params.task(task).finetune, full, directions)
    with entry.measured("transfer", key):
        scratch = paths.scratch("transfer", key)
        compared = Transfer(key, model.step, tasks, params.search, spaces, config, scratch)
        result = compared.compare(paths.transfer(key))
    logging.info("%s: %s", key, result.sentence())


if __name__ == "__main__":
    entry.run(main)
