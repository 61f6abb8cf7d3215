"""Stage ``representation@MODEL-TASK``: of how many dimensions a cell's hidden states are."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.study.measured import represented
from pipeline.study.opening import open_cell
from pipeline.taskspaces.representation.measure import measure
from stages import entry


def main() -> None:
    key, params = entry.key(), entry.params()
    planned, config = represented(params)[key], params.representation
    assert config is not None, "without the section no item is in the graph"
    name, task = planned.model.name, planned.task
    with entry.measured("representation", key):
        cell = open_cell(params, planned.model, task)
        batch = params.task(task).finetune.batch
        result = measure(cell, config, batch, paths.representation(name, task))
    logging.info("%s: %s", key, result.sentence())


if __name__ == "__main__":
    entry.run(main)
