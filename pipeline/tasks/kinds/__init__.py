"""The kinds of task, one file a kind: what a model answers, what that is worth and how surely.

A further kind is a further file with a `TaskKind` and a line in the table here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pipeline.tasks.kinds.classification import Classification
from pipeline.tasks.kinds.kind import TaskKind
from pipeline.tasks.kinds.regression import Regression

KindName = Literal["classification", "regression"]
MetricName = Literal["accuracy", "f1", "matthews", "pearson", "spearman"]

_KINDS: dict[str, type[TaskKind]] = {"classification": Classification, "regression": Regression}

__all__ = ["Classification", "KindName", "MetricName", "Regression", "TaskKind", "make_kind"]


def make_kind(name: KindName, labels: Sequence[str], metric: MetricName | None = None) -> TaskKind:
    """The kind of this name for a task.

    Args:
        name: a kind's name.
        labels: the label names in the order of their ids; none for regression.
        metric: the metric that decides; None for the kind's first.

    Raises:
        ValueError: the kind knows no such metric, or the labels do not suit it.
    """
    kind = _KINDS[name]
    return kind(tuple(labels), metric or kind.known[0])
