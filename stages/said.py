"""Stages ``said@CHECKPOINT-TASK`` and ``zoo_said@MODEL-TASK``: the search for d₉₀."""

from __future__ import annotations

import logging
from typing import Any

from pipeline import paths
from pipeline.common.artifacts import read_json
from pipeline.probes.search import measure_said
from pipeline.study import params
from stages import entry
from stages.baseline import arguments, open_cell


def main() -> None:
    checkpoint, task = arguments()
    config = params.load()
    with entry.timed(paths.timing("said", checkpoint, task)):
        result = measure_said(
            open_cell(config, checkpoint, task),
            config.said,
            config.subspace,
            config.task(task).finetune,
            read_json(paths.cell("baseline", checkpoint, task) / "result.json"),
            near(config, checkpoint, task),
            paths.scratch("said", checkpoint, task),
            paths.cell("said", checkpoint, task),
        )
    status, d90, reason = result["status"].value, result["d90"], result["reason"]
    logging.info("%s × %s: %s, d90 %s %s", checkpoint, task, status, d90, reason)


def near(config: params.Params, checkpoint: str, task: str) -> dict[str, Any] | None:
    if checkpoint in config.zoo.models:
        return None
    found: dict[str, Any] | None = read_json(paths.near(checkpoint) / f"{task}.json")
    return found


if __name__ == "__main__":
    entry.run(main)
