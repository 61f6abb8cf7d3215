"""The keys of params.yaml's ``tasks.NAME.data``: where a task's rows are and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pipeline.common.checked import AnyText, Count, Name, Range, Seed, check_fields
from pipeline.tasks.kinds import KindName, MetricName, TaskKind, make_kind
from pipeline.text.sources import RowSource


@dataclass(frozen=True)
class Columns:
    """The names of the source's columns; ``text_b: null`` for tasks over single texts.

    ``tag`` is kept with each row, as a source's own ``tag`` is.
    """

    text_a: Name
    text_b: Name | None
    label: Name = "label"
    tag: Name | None = None


@dataclass(frozen=True)
class SplitConfig:
    """How the rows of ``train`` become both splits, where they hold everything.

    Attributes:
        eval: the share of the different inputs that is evaluated on, drawn with ``seed``.
        seed: of the draw, apart from the study's, so that studies of several seeds have one split.
        column: says in its ``values`` where a row belongs, instead of a draw.
        values: the column's values and the split that each means.
    """

    eval: Annotated[float, Range(above=0, below=1)] | None = None
    seed: Seed = 0
    column: Name | None = None
    values: dict[AnyText, Literal["train", "eval"]] | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if (self.eval is None) == (self.column is None):
            raise ValueError("give either eval, a share of the rows, or column, which says where")
        if (self.column is None) != (self.values is None):
            raise ValueError(
                "column and values belong together: {column: fold, values: {dev: eval}}"
            )
        if self.values is not None and set(self.values.values()) != {"train", "eval"}:
            raise ValueError("values must name what is train and what is eval, each at least once")


@dataclass(frozen=True)
class TaskDataConfig:
    """A task: where its rows are and what they mean.

    Attributes:
        train: the sources of the training split, joined.
        eval: those of the evaluation split; none with ``split``.
        columns: where texts and targets are.
        kind: what the model answers: one of ``labels``, or with ``regression`` a number.
        metric: what decides about d₉₀; by default accuracy, for regression Pearson's correlation.
        labels: the label names in the order of their ids; none for regression.
        raw_labels: the sources' own values and the labels that they mean, beside the labels' names.
        max_length: of a row in tokens.
        train_rows: cuts the training split to a seeded sample; ``eval_rows`` the other one.
        replace: pieces of text and what they are replaced with.
        split: how the rows of ``train`` become both splits, where there is one file for all.
        drop: columns and the values whose rows are left out; null is a value that is missing.
        overlap: whether evaluation rows may be in training too; ``drop`` takes them from training.
    """

    train: tuple[RowSource, ...]
    columns: Columns
    eval: tuple[RowSource, ...] = ()
    labels: tuple[Name, ...] = ()
    raw_labels: dict[AnyText, Name] | None = None
    kind: KindName = "classification"
    metric: MetricName | None = None
    max_length: Annotated[int, Range(least=8, ceiling=1_000_000)] = 512
    train_rows: Count | None = None
    eval_rows: Count | None = None
    replace: dict[Name, AnyText] | None = None
    split: SplitConfig | None = None
    drop: dict[Name, tuple[AnyText | None, ...]] | None = None
    overlap: Literal["allow", "drop", "refuse"] = "allow"

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.train:
            raise ValueError("train must name at least one source of rows")
        if bool(self.eval) == (self.split is not None):
            raise ValueError(
                "give either eval, the sources of the evaluation split, or split, which says how "
                "the rows of train become both"
            )
        self.task_kind().reader(self.raw_labels)

    def task_kind(self) -> TaskKind:
        """The kind of the task, which knows its head, metric and noise."""
        return make_kind(self.kind, self.labels, self.metric)
