"""Stages ``said@CHECKPOINT-TASK`` and ``zoo_said@MODEL-TASK``: the search for d₉₀."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.common.artifacts import read_json
from pipeline.finetuning.result import FullResult
from pipeline.probes.neighbour import Neighbour
from pipeline.probes.search import search_cell
from pipeline.study import params
from stages import entry
from stages.baseline import arguments, open_cell


def main() -> None:
    checkpoint, task = arguments()
    config = params.load()
    with entry.timed(paths.timing("said", checkpoint, task)):
        result = search_cell(
            open_cell(config, checkpoint, task),
            search=config.said,
            subspace=config.subspace,
            finetune=config.task(task).finetune,
            full=FullResult.read(paths.cell("baseline", checkpoint, task) / "result.json"),
            neighbour=neighbour(config, checkpoint, task),
            scratch=paths.scratch("said", checkpoint, task),
            out=paths.cell("said", checkpoint, task),
        )
    status, d90, reason = result.status.value, result.d90, result.reason
    logging.info("%s × %s: %s, d90 %s %s", checkpoint, task, status, d90, reason)


def neighbour(config: params.Params, checkpoint: str, task: str) -> Neighbour | None:
    if checkpoint in config.zoo.models:
        return None
    path = paths.near(checkpoint) / f"{task}.json"
    return None if read_json(path) is None else Neighbour.read(path)


if __name__ == "__main__":
    entry.run(main)
