"""Stage ``bound@MODEL-TASK``: certificates of a cell's risk."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.certificates.certify import Certifier
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.result import FullResult
from pipeline.probes.asking import cell_question, probe_training
from pipeline.probes.probe import ProbeRunner
from pipeline.probes.result import SearchResult
from pipeline.study.measured import certified
from stages import entry


def main() -> None:
    key, params = entry.key(), entry.params()
    planned, config = certified(params)[key], params.certificates
    assert config is not None, "without the section no item is in the graph"
    name, task = planned.model.name, planned.task
    finetune, search = params.task(task).finetune, params.search
    with entry.measured("bound", key):
        cell = Cell.open(
            name=name,
            task=task,
            model_dir=paths.model(name),
            task_dir=paths.task(planned.model.tokens, task),
            config=finetune,
            seed=params.seed,
        )
        question = cell_question(
            cell,
            search=search,
            subspace=params.subspace,
            finetune=finetune,
            full=FullResult.read_of(paths.full_result(name, task), name, task),
            neighbour=None,
        )
        training = probe_training(search, finetune, question, cell)
        runner = ProbeRunner(cell, params.subspace, finetune, training, paths.scratch("bound", key))
        found = SearchResult.read_of(paths.search(name, task) / "result.json", name, task)
        result = Certifier(runner, finetune, question, config).certify(
            found, paths.certificate(name, task)
        )
    logging.info("%s: %s", key, result.sentence())


if __name__ == "__main__":
    entry.run(main)
