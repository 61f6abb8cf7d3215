"""A segment trained by the project's own loop, in one process or in several."""

from __future__ import annotations

from pipeline.backends.job import Job
from pipeline.pretraining.run import run_segment
from pipeline.training import device, distributed


def train(job: Job) -> None:
    """Train the segment; with ``PIPELINE_PROCESSES`` in that many processes."""
    distributed.spread(job.module)
    place = device.prepare(job.width)
    run_segment(
        job.recipe,
        job.start,
        job.end,
        stop=job.stop,
        seed=job.seed,
        device=place,
        decay=job.decay,
        ranks=distributed.join(place),
    )
    distributed.leave()
