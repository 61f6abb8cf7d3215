"""Stages ``pretrain@NAME``: from one checkpoint to the next."""

from __future__ import annotations

from importlib import import_module

from pipeline.backends.job import Job
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


if __name__ == "__main__":
    entry.run(main)
