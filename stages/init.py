"""Stage ``init``: the model before its first update, checkpoint ``s0``."""

from __future__ import annotations

from pipeline import paths
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from pipeline.study import params
from pipeline.training import device
from stages import entry


def main() -> None:
    config = params.load()
    device.prepare(config.model.width)
    optimizer = config.pretrain.recipe.optimizer
    init_checkpoint(config.model, config.seed, places(params.FIRST), optimizer)


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
