"""A segment of pretraining as every backend is told of it."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.pretraining.places import Places
from pipeline.pretraining.recipe import PretrainConfig


@dataclass(frozen=True)
class Job:
    """Train from the checkpoint at ``start`` to update ``stop`` and write the one at ``end``.

    ``width`` is the model's; with ``decay`` the learning rate falls to 0 over the segment.
    ``module`` is what was started, for a backend that starts it over in several processes.
    """

    recipe: PretrainConfig
    start: Places
    end: Places
    stop: int
    decay: bool
    seed: int
    width: int
    module: str
