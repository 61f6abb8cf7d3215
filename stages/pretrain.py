"""Stage ``pretrain@NAME``: from one checkpoint to the next."""

from __future__ import annotations

import argparse

from pipeline import device, distributed, params
from pipeline.pretraining.run import run_segment
from stages import entry
from stages.init import places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    name = parser.parse_args().name
    config = params.load()
    segment = config.pretrain.segment(name)
    distributed.spread("stages.pretrain", name)
    place = device.prepare(config.model.width)
    run_segment(
        config.pretrain.recipe,
        places(segment.after),
        places(name),
        segment.step,
        config.seed,
        place,
        decay=segment.decay,
        ranks=distributed.join(place),
    )
    distributed.leave()


if __name__ == "__main__":
    entry.run(main)
