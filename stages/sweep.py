"""Stage ``sweep@MODEL-TASK-METHOD``: a model trained in subspaces of every dimension."""

from __future__ import annotations

import argparse
import logging
from typing import get_args

from pipeline import paths
from pipeline.finetuning.result import FullResult
from pipeline.probes.search import search_cell
from pipeline.probes.sweep import sweep_search
from pipeline.study import params
from pipeline.subspace.config import Method
from stages import entry
from stages.baseline import open_cell


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("task")
    parser.add_argument("method", choices=get_args(Method))
    chosen = parser.parse_args()
    model, task, method = chosen.model, chosen.task, chosen.method
    config = params.load()
    with entry.timed(paths.timing("sweep", model, f"{task}-{method}")):
        cell = open_cell(config, model, task)
        search, subspace = sweep_search(cell, config.sweep.probes, method, config.subspace)
        result = search_cell(
            cell,
            search=search,
            subspace=subspace,
            finetune=config.task(task).finetune,
            full=FullResult.read(paths.cell("baseline", model, task) / "result.json"),
            neighbour=None,
            scratch=paths.scratch("sweep", model, task, method),
            out=paths.cell("sweep", model, task) / method,
        )
    status, d90, reason = result.status.value, result.d90, result.reason
    logging.info("%s × %s by %s: %s, d90 %s %s", model, task, method, status, d90, reason)


if __name__ == "__main__":
    entry.run(main)
