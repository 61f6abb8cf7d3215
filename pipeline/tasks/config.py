"""The keys of params.yaml's ``tasks.NAME.data``: where a task's rows are and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pipeline.common.checked import AnyText, Count, Name, Range, check_fields
from pipeline.tasks.kinds import KindName, MetricName, TaskKind, make_kind
from pipeline.text.sources import RowSource


@dataclass(frozen=True)
class Columns:
    """The names of the source's columns; ``text_b: null`` for tasks over single texts."""

    text_a: Name
    text_b: Name | None
    label: Name = "label"


@dataclass(frozen=True)
class TaskDataConfig:
    """A task: where its rows are and what they mean.

    Attributes:
        train: the sources of the training split, joined; ``eval`` those of the evaluation split.
        columns: where texts and targets are.
        kind: what the model answers: one of ``labels``, or with ``regression`` a number.
        metric: what decides about d₉₀; by default accuracy, for regression Pearson's correlation.
        labels: the label names in the order of their ids; none for regression.
        raw_labels: the source's own values and the labels that they mean, where they differ.
        max_length: of a row in tokens.
        train_rows: cuts the training split to a seeded sample; ``eval_rows`` the other one.
        replace: pieces of text and what they are replaced with.
    """

    train: tuple[RowSource, ...]
    eval: tuple[RowSource, ...]
    columns: Columns
    labels: tuple[Name, ...] = ()
    raw_labels: dict[AnyText, Name] | None = None
    kind: KindName = "classification"
    metric: MetricName | None = None
    max_length: Annotated[int, Range(least=8, ceiling=1_000_000)] = 512
    train_rows: Count | None = None
    eval_rows: Count | None = None
    replace: dict[Name, AnyText] | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        self.task_kind().reader(self.raw_labels)

    def task_kind(self) -> TaskKind:
        """The kind of the task, which knows its head, metric and noise."""
        return make_kind(self.kind, self.labels, self.metric)
