"""What is measured: a model on a task, searched for its d₉₀, and maybe swept over d as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Family = Literal["trajectory", "zoo"]
Unit = Literal["updates", "epochs", "tokens"]


@dataclass(frozen=True)
class MeasuredCell:
    """A measured model on a task: a checkpoint of ours or of a published suite, or of the zoo.

    Attributes:
        model: the model's name, which its results' folder has too.
        label: its name for readers.
        family: ``trajectory`` for checkpoints of one pretraining, ``zoo`` for models beside it.
        task: the task's name.
        unit: what the model's step counts; None for a model that is no step of a pretraining.
        tokens_seen: how many tokens it was pretrained on, where that is known.
    """

    model: str
    label: str
    family: Family
    task: str
    unit: Unit | None = None
    tokens_seen: int | None = None


@dataclass(frozen=True)
class SweepCell:
    """A measured model on a task, trained at every d by one method (A21 Figure 1, Table 1).

    Attributes:
        cell: the model and the task, whose full fine-tuning the sweep is compared with.
        method: ``said`` or ``did``.
        values: every d of the sweep, those too that the model does not allow.
        published: A21's d₉₀ (`pipeline.report.table1`), where model and task are the same.
    """

    cell: MeasuredCell
    method: str
    values: tuple[int, ...]
    published: int | None = None
