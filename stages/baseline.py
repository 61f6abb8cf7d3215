"""Stages ``baseline@CHECKPOINT-TASK`` and ``zoo_baseline@MODEL-TASK``: full fine-tuning."""

from __future__ import annotations

import argparse
import logging

from pipeline import paths
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.full import measure_baseline
from pipeline.models.classifier import model_width
from pipeline.study import params
from pipeline.training import device
from stages import entry


def main() -> None:
    checkpoint, task = arguments()
    config = params.load()
    with entry.timed(paths.timing("baseline", checkpoint, task)):
        cell = open_cell(config, checkpoint, task)
        result = measure_baseline(
            cell,
            config.task(task).finetune,
            paths.scratch("baseline", checkpoint, task),
            paths.cell("baseline", checkpoint, task),
        )
    logging.info(
        "%s × %s: %s, accuracy %s", checkpoint, task, result["status"].value, result["acc_eval"]
    )


def arguments() -> tuple[str, str]:
    parser = argparse.ArgumentParser(description="measure one cell")
    parser.add_argument("checkpoint")
    parser.add_argument("task")
    chosen = parser.parse_args()
    return chosen.checkpoint, chosen.task


def open_cell(config: params.Params, checkpoint: str, task: str) -> Cell:
    return Cell.open(
        checkpoint,
        task,
        paths.model(checkpoint),
        paths.zoo_task(checkpoint, task) if checkpoint in config.zoo.models else paths.task(task),
        config.task(task).finetune,
        config.seed,
        device.prepare(model_width(paths.model(checkpoint))),
    )


if __name__ == "__main__":
    entry.run(main)
