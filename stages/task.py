"""Stages ``task@NAME`` and ``zoo_task@MODEL-NAME``: one task's rows, normalised and tokenised."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from pipeline import paths
from pipeline.study import params
from pipeline.tasks.prepare import prepare_task
from stages import entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--model", help="a model of the zoo, to use the tokenizer of")
    chosen = parser.parse_args()
    name, model = chosen.name, chosen.model
    config = params.load()
    made = prepare_task(
        name,
        config.task(name).data,
        Path(config.trajectory.tokenizer) if model is None else paths.model(model),
        config.seed,
        paths.task(name) if model is None else paths.zoo_task(model, name),
        # Running text starts with a space where this project trains the vocabulary and the model.
        leading_space=model is None and config.trajectory.source == "pretrain",
    )
    logging.info(
        "%s: %d training and %d evaluation rows, majority %.4f",
        name,
        made["train"]["rows"],
        made["eval"]["rows"],
        made["majority"],
    )


if __name__ == "__main__":
    entry.run(main)
