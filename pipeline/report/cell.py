"""What is measured: a model on a task, searched for its d₉₀, and maybe swept over d as well."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Family = Literal["trajectory", "zoo"]
Unit = Literal["updates", "epochs", "tokens"]


@dataclass(frozen=True)
class CellSettings:
    """How a task's texts are read and its trainings made; None is what nobody said.

    Attributes:
        kind: what the model answers: ``classification`` or ``regression``.
        max_length: of a row, in tokens.
        batch: examples an update.
        full_epochs: epochs of a whole full fine-tuning.
        probe_epochs: epochs of a whole training in a subspace.
        warmup_fraction: the share of the updates in which the learning rate rises.
        dropout: of the model; None where it keeps its own.
        optimizer: its name.
        precision: in which numbers models compute: ``fp32``, ``bf16``, or ``bf16_weights`` where
            probes hold their weights in them too.
    """

    kind: str | None = None
    max_length: int | None = None
    batch: int | None = None
    full_epochs: int | None = None
    probe_epochs: int | None = None
    warmup_fraction: float | None = None
    dropout: float | None = None
    optimizer: str | None = None
    precision: str | None = None


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
        settings: of the trainings.
    """

    model: str
    label: str
    family: Family
    task: str
    unit: Unit | None = None
    tokens_seen: int | None = None
    settings: CellSettings = field(default_factory=CellSettings)

    def named(self, step: int) -> dict[str, object]:
        """What names the cell in a table's row: ``step``, its result's, is None in the zoo."""
        return {
            "model": self.model, "label": self.label, "family": self.family, "unit": self.unit,
            "step": None if self.unit is None else step, "tokens_seen": self.tokens_seen,
            "task": self.task,
        }  # fmt: skip


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
