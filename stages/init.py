"""Stage ``init``: the model before its first update, the first line of ``checkpoints``."""

from __future__ import annotations

from pipeline import paths
from pipeline.pretraining.run import Places, init_checkpoint
from pipeline.training import device
from stages import entry


def main() -> None:
    params = entry.params()
    first = params.first()
    device.prepare(params.model.width)
    places = Places(
        tokenizer=paths.TOKENIZER,
        corpus=paths.CORPUS,
        model=paths.model(first),
        state=paths.state(first),
        scratch=paths.scratch("pretrain", first),
    )
    init_checkpoint(params.model, params.seed, places)


if __name__ == "__main__":
    entry.run(main)
