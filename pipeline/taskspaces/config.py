"""The keys of taskspaces in params.yaml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.common.checked import Positive, Rate, Size, check_fields


@dataclass(frozen=True)
class TaskSpaceConfig:
    """How a task's own subspace is learned and compared (method §8); without the section none is.

    The defaults are Z23's where it says something. What it leaves open (``rows``, ``centre``,
    ``subtract``, ``initial``) is told in every result.

    Attributes:
        snapshots: t, epochs of the full fine-tuning that the basis is learned from.
        dimension: directions a layer, at most t.
        rows: whether the basis is learned on the training rows that everything else is trained on
            (``same``), or on one half of them and everything else on the other (``halves``), so
            that the answer is not in the question.
        centre: whether the snapshots' mean is subtracted before their directions are taken.
        subtract: whether θ₀ is.
        initial: what θ^t starts from: ``zero``, which is θ₀, or ``normal`` draws.
        spread: standard deviation of a draw.
        averaged: h, over how many draws the start is the mean.
        learning_rate: of θ^t; all else has the task's own.
        seeds: trainings an arm.
        search: whether d₉₀ is searched for in the task's own directions, those of embeddings and
            head among them, and in random ones on the same rows.
        keep: whether the first training in the task's own directions and these are kept, so that
            its model can be restored (`python -m pipeline apply`): D times ``dimension`` numbers.
        sigmas: beyond how many standard deviations of its layer a move is an outlier.
    """

    snapshots: Size = 32
    dimension: Size = 32
    rows: Literal["same", "halves"] = "same"
    centre: bool = False
    subtract: bool = False
    initial: Literal["zero", "normal"] = "normal"
    spread: Positive = 0.02
    averaged: Size = 16
    learning_rate: Rate = 0.01
    seeds: Size = 5
    search: bool = False
    keep: bool = False
    sigmas: Positive = 3.0

    def __post_init__(self) -> None:
        check_fields(self)
        most = self.snapshots - self.centre
        if self.dimension > most:
            raise ValueError(
                f"dimension is {self.dimension}, but {self.snapshots} snapshots have at most "
                f"{most} directions: take more snapshots, or a smaller dimension"
            )
