"""Stage ``init``: the model before its first update, the checkpoint at update 0."""

from __future__ import annotations

from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from pipeline.training import device
from stages import entry


def main() -> None:
    params = entry.params()
    device.prepare(params.model.width)
    optimizer = params.pretrain.recipe.optimizer
    init_checkpoint(params.model, params.seed, Places.of(params.first()), optimizer)


if __name__ == "__main__":
    entry.run(main)
