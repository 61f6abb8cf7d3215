"""Stages ``task@TOKENS-TASK``: a task's rows, normalised and tokenised with a model's tokenizer."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.study.graph import graph_item, tokenizer_of
from pipeline.tasks.prepare import prepare_task
from stages import entry


def main() -> None:
    params = entry.params()
    item = graph_item(params, "tasks", entry.key())
    tokens, task = item["tokens"], item["task"]
    tokenizer = tokenizer_of(params, tokens)
    made = prepare_task(
        task, params.task(task).data, tokenizer, params.seed, paths.task(tokens, task)
    )
    logging.info(
        "%s: %d training and %d evaluation rows, chance %.4f",
        task,
        made["train"]["rows"],
        made["eval"]["rows"],
        made["chance"],
    )
    for note in made["notes"]:
        logging.warning("%s: %s", task, note)


if __name__ == "__main__":
    entry.run(main)
