"""Stage ``pretrain@NAME``: from one checkpoint to the next."""

from __future__ import annotations

import argparse

from pipeline.backends.fairseq import segment as fairseq
from pipeline.backends.job import Job
from pipeline.backends.native import segment as native
from pipeline.study import params
from stages import entry
from stages.init import places

BACKENDS = {"native": native.train, "fairseq": fairseq.train}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    name = parser.parse_args().name
    config = params.load()
    segment = config.pretrain.segment(name)
    job = Job(
        config.pretrain.recipe,
        places(segment.after),
        places(name),
        segment.step,
        segment.decay,
        config.seed,
        config.model.width,
        ("stages.pretrain", name),
    )
    BACKENDS[config.pretrain.backend](job)


if __name__ == "__main__":
    entry.run(main)
