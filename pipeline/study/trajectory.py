"""Who made the trajectory's checkpoints: this project's pretraining, or a published suite."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pipeline.common.checked import Count, Name
from pipeline.pretraining.recipe import PretrainConfig
from pipeline.published.suites import Pattern


@dataclass(frozen=True)
class Trajectory:
    """Where the checkpoints come from, and how their searches follow each other.

    Attributes:
        source: ``pretrain`` (this project), or a published suite of the ``hub`` or in a local
            ``folder``.
        suite: where each checkpoint of a suite lies.
        tokenizer: the suite's checkpoint whose tokenizer the tasks are tokenised with; without it
            the first one.
        neighbours: let the search at a checkpoint start from what the one before it found. The
            searches of a task then run one after another; without it all can run at once.
        unit: what the checkpoints' numbers count.
        tokens_per_update: lets figures of a suite count in tokens.
    """

    source: Literal["pretrain", "hub", "folder"] = "pretrain"
    suite: Pattern | None = None
    tokenizer: Name | None = None
    neighbours: bool = True
    unit: Literal["updates", "epochs", "tokens"] = "updates"
    tokens_per_update: Count | None = None


@dataclass(frozen=True)
class Pretraining:
    """How the checkpoints are pretrained.

    Attributes:
        recipe: batches, schedule, optimizer.
        backend: who trains: the project's own loop, or fairseq in its own environment.
        keep_state: which checkpoints keep what resuming from them needs, twice the size of their
            weights: ``all``, or the ``last`` of each chain once ``python -m stages.prune`` has run.
    """

    recipe: PretrainConfig = field(default_factory=PretrainConfig)
    backend: Literal["native", "fairseq"] = "native"
    keep_state: Literal["all", "last"] = "all"
