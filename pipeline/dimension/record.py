"""One training of a probe: what was trained, how it went, and why it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from pipeline.common.artifacts import Json
from pipeline.common.config import parse
from pipeline.common.status import Word
from pipeline.common.target import reaches


@dataclass(frozen=True, order=True)
class Probe:
    """One subspace training: its dimension, the index of its seed, its learning rate."""

    d: int
    seed: int
    learning_rate: float


class Ending(Word):
    """Why a training ended."""

    COMPLETE = "complete"
    REACHED = "reached"
    HOPELESS = "hopeless"
    DIVERGED = "diverged"

    @property
    def reason(self) -> str:
        """The ending in words."""
        return _REASONS[self]


_REASONS = {
    Ending.COMPLETE: "it had all of its epochs",
    Ending.REACHED: "it reached the target",
    Ending.HOPELESS: "it could not be expected to reach the target any more",
    Ending.DIVERGED: "its loss became infinite",
}


@dataclass(frozen=True)
class Record:
    """A probe's training, as the journal keeps it.

    Attributes:
        probe: what was trained.
        curve: the evaluation metric after each epoch; empty where the first one diverged.
        ended: why the training ended.
        best_epoch: the first epoch of the best metric, counted from 1; None without an epoch.
        train_metric: the metric on training examples at that epoch, without dropout.
        answers: the answers to the evaluation examples there, packed by the task kind; None where
            only a sample was evaluated.
        tokens: those trained on.
        flop: of training and evaluations.
        identity: the hash of everything that decides the curve, the stop rule left out.
    """

    probe: Probe
    curve: tuple[float, ...]
    ended: Ending = Ending.COMPLETE
    best_epoch: int | None = None
    train_metric: float | None = None
    answers: str | None = None
    tokens: int = 0
    flop: float = 0.0
    identity: str = ""

    @property
    def metric(self) -> float:
        """The best metric of all epochs, 0 without any."""
        return max(self.curve, default=0.0)

    @property
    def whole(self) -> bool:
        """Whether no stop rule ended the training, so that more epochs were not to be had."""
        return self.ended in (Ending.COMPLETE, Ending.DIVERGED)

    def reached(self, target: float) -> bool:
        """Whether some epoch reached the target."""
        return bool(self.curve) and reaches(self.metric, target)

    def failed(self, target: float) -> bool:
        """Whether the training broke down before it reached the target."""
        return self.ended is Ending.DIVERGED and not self.reached(target)

    def score(self, target: float) -> float:
        """The metric; that of a training that broke down before is lower than any other."""
        return -math.inf if self.failed(target) else self.metric

    def row(self) -> Json:
        """The record as a line of JSON, the probe's fields beside the others."""
        values = asdict(self)
        return {**values.pop("probe"), **values, "curve": list(self.curve)}

    @staticmethod
    def of(row: Mapping[str, Any], where: str) -> Record:
        """The record that `row` was made of; ``where`` is its place, such as the file's name.

        Raises:
            UserError: a key is missing, unknown or holds something else.
        """
        own = [field.name for field in fields(Probe)]
        probe = {key: row[key] for key in own if key in row}
        others = {key: value for key, value in row.items() if key not in own}
        return parse(Record, {"probe": probe, **others}, where)
