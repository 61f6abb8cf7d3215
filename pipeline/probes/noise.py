"""What a metric is worth on the evaluation examples of a task: its errors, and its answers packed.

Every task is a classification by accuracy here; `kind_of` is the one place that says so.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.dimension.binomial import binomial_error
from pipeline.tasks import TaskData
from pipeline.tasks.examples import pack, unpack


class AccuracyKind:
    """Classification, measured by accuracy; ``targets`` are the labels (n,) of the examples."""

    def error(self, value: float, targets: np.ndarray) -> float:
        """Binomial standard error of an accuracy near ``value`` on these examples."""
        return binomial_error(value, len(targets))

    def pack(self, answers: np.ndarray, targets: np.ndarray) -> str:
        """Which of the examples were right, booleans (n,), as text."""
        return pack(answers)

    def gaps(
        self, packed: Sequence[str], full: str, fraction: float, targets: np.ndarray
    ) -> np.ndarray | None:
        """(probes, n): right (1) or wrong (0) in a probe less ``fraction`` times in full."""
        if len(packed) < 2:
            return None
        whole = fraction * unpack(full, len(targets))
        return np.stack([unpack(text, len(targets)) - whole for text in packed])


def kind_of(data: TaskData) -> AccuracyKind:
    """The kind of a task's metric."""
    return AccuracyKind()
