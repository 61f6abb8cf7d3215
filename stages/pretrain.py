"""Stage ``pretrain@NAME``: from one checkpoint to the next."""

from __future__ import annotations

import argparse

from pipeline import device, params
from pipeline.pretraining.run import run_segment
from stages import entry
from stages.init import places


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--after", required=True)
    parser.add_argument("--step", required=True, type=int)
    chosen = parser.parse_args()
    config = params.load()
    run_segment(
        config.pretrain.recipe,
        places(chosen.after),
        places(chosen.name),
        chosen.step,
        config.seed,
        device.prepare(config.model.width),
    )


if __name__ == "__main__":
    entry.run(main)
