"""Stage ``bound@MODEL-TASK``: certificates of a cell's risk."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.certificates.certify import Certifier
from pipeline.finetuning.result import FullResult
from pipeline.probes.result import SearchResult
from pipeline.study.measured import certified
from pipeline.study.opening import open_cell
from stages import entry


def main() -> None:
    key, params = entry.key(), entry.params()
    planned, config = certified(params)[key], params.certificates
    assert config is not None, "without the section no item is in the graph"
    name, task = planned.model.name, planned.task
    finetune = params.task(task).finetune
    with entry.measured("bound", key):
        cell = open_cell(params, planned.model, task, subspace=True)
        found = SearchResult.read_of(paths.search(name, task) / "result.json", name, task)
        certifier = Certifier.of(
            cell,
            search=params.search,
            subspace=params.subspace,
            finetune=finetune,
            full=FullResult.read_of(paths.full_result(name, task), name, task),
            config=config,
            scratch=paths.scratch("bound", key),
        )
        result = certifier.certify(found, paths.certificate(name, task))
    logging.info("%s: %s", key, result.sentence())


if __name__ == "__main__":
    entry.run(main)
