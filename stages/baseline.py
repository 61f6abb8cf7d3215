"""Stages ``baseline@MODEL-TASK``: full fine-tuning."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.result import FullResult
from pipeline.study.graph import graph_item
from pipeline.study.measured import measured_model, rate_neighbour
from stages import entry
from stages.forced import resumable


def main() -> None:
    key, params = entry.key(), entry.params()
    item = graph_item(params, "cells", key)
    name, task = item["model"], item["task"]
    finetune = params.task(task).finetune
    model = measured_model(params, name)
    before = rate_neighbour(params, model, task)
    with entry.measured("baseline", key):
        cell = Cell.open(
            name=name,
            task=task,
            model_dir=paths.model(name),
            task_dir=paths.task(model.tokens, task),
            config=finetune,
            seed=params.seed,
        )
        scratch, out = paths.scratch("baseline", name, task), paths.baseline(name, task)
        near = neighbours_rate(before, task) if before else None
        demand = params.search.demand()
        work = (cell.inputs, cell.seed, finetune, params.baseline, demand, near)
        with resumable(scratch, paths.full_result(name, task), *work):
            result = fine_tune_fully(
                cell,
                finetune,
                scratch,
                out,
                baseline=params.baseline,
                demand=demand,
                near=near,
            )
    reached = "none" if result.full_metric is None else f"{result.full_metric:.4f}"
    logging.info("%s × %s: %s, %s %s", name, task, result.status, result.metric, reached)
    if result.advice:
        logging.warning("%s: %s", result.reason, result.advice)


def neighbours_rate(before: str, task: str) -> float | None:
    """The learning rate that the checkpoint before learned best with."""
    return FullResult.read_of(paths.full_result(before, task), before, task).rate()


if __name__ == "__main__":
    entry.run(main)
