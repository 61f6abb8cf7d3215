"""Stage ``init``: the model before its first update, checkpoint ``s0``."""

from __future__ import annotations

from pipeline import paths
from pipeline.pretraining.run import Places, init_checkpoint
from pipeline.study import params
from pipeline.training import device
from stages import entry


def main() -> None:
    config = params.load()
    device.prepare(config.model.width)
    init_checkpoint(config.model, config.seed, places(params.FIRST))


def places(checkpoint: str) -> Places:
    return Places(
        paths.TOKENIZER,
        paths.CORPUS,
        paths.model(checkpoint),
        paths.state(checkpoint),
        paths.scratch("pretrain", checkpoint),
    )


if __name__ == "__main__":
    entry.run(main)
