"""Stages ``search@MODEL-TASK`` and ``search@MODEL-TASK-METHOD``: the search for d₉₀."""

from __future__ import annotations

import logging
from functools import partial

from pipeline import paths
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.result import FullResult
from pipeline.probes.helpers import Helpers, parallel
from pipeline.probes.neighbour import Neighbour
from pipeline.probes.search import search_cell
from pipeline.probes.sweep import sweep_search
from pipeline.study.measured import planned_search
from stages import entry
from stages.forced import resumable


def main() -> None:
    key, params = entry.key(), entry.params()
    planned = planned_search(params, key)
    name, task, method = planned.model.name, planned.task, planned.method
    finetune, count = params.task(task).finetune, parallel()
    before = None if method else planned.model.neighbour
    with entry.measured("search", key):
        opened = partial(
            Cell.open,
            name=name,
            task=task,
            model_dir=paths.model(name),
            task_dir=paths.task(planned.model.tokens, task),
            config=finetune,
            seed=params.seed,
            subspace=True,
        )
        cell = opened()
        search, subspace = params.search, params.subspace
        if method:
            search, subspace = sweep_search(cell, params.sweep.probes, method, subspace)
        full = FullResult.read_of(paths.full_result(name, task), name, task)
        neighbour = Neighbour.read_of(paths.answer(before, task), before, task) if before else None
        scratch, out = paths.scratch("search", key), paths.search(name, task, method)
        work = (cell.inputs, cell.seed, search, subspace, finetune, full, neighbour)
        with resumable(scratch, out / "result.json", *work):
            result = search_cell(
                cell,
                search=search,
                subspace=subspace,
                finetune=finetune,
                full=full,
                neighbour=neighbour,
                scratch=scratch,
                out=out,
                helpers=Helpers(count, opened, entry.helper) if count > 1 else None,
            )
    logging.info("%s: %s", key, result.sentence())


if __name__ == "__main__":
    entry.run(main)
