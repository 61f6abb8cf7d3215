"""Stages ``pretrain@NAME``: from one checkpoint to the next."""

from __future__ import annotations

import os
from importlib import import_module

from pipeline import paths
from pipeline.backends.job import Job
from pipeline.common.sealed import read_jsonl, write_jsonl
from pipeline.pretraining.places import Places
from stages import entry


def main() -> None:
    name = entry.key()
    params = entry.params()
    before, checkpoint = params.segment(name)
    job = Job(
        recipe=params.pretrain.recipe,
        start=Places.of(before),
        end=Places.of(name),
        stop=checkpoint.step,
        decay=checkpoint.decay,
        seed=params.seed,
        width=params.model.width,
        module="stages.pretrain",
    )
    # Only the backend that trains is imported, and DVC depends on that one alone.
    import_module(f"pipeline.backends.{params.pretrain.backend}.segment").train(job)
    # Of several processes that train together one writes. The state may be pruned, its log stays.
    if os.environ.get("RANK", "0") == "0":
        write_jsonl(paths.history(name), read_jsonl(job.end.state / "training.jsonl"), (name,))


if __name__ == "__main__":
    entry.run(main)
