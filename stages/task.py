"""Stage ``task@NAME``: one task's rows, normalised and tokenised."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from pipeline import params, paths
from pipeline.tasks.prepare import prepare_task
from stages import entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    name = parser.parse_args().name
    config = params.load()
    task = config.task(name).data
    made = prepare_task(
        name,
        task,
        Path(config.trajectory.tokenizer),
        config.seed,
        paths.task(name),
        # Running text starts with a space where this project trains the vocabulary and the model.
        leading_space=config.trajectory.source == "pretrain",
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
