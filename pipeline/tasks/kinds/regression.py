"""Tasks whose answers are numbers, as GLUE's STS-B: Pearson's and Spearman's correlation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np

from pipeline.common.checked import shown
from pipeline.common.problem import Problem
from pipeline.tasks.kinds.kind import TaskKind
from pipeline.tasks.kinds.noise import Metric, correlation_error
from pipeline.tasks.kinds.packing import pack_numbers, unpack_numbers

_NUMBERS = "<f4"
# Numbers this large take fine-tuning's small steps too long; GLUE's own go up to 5.
_LARGE = 10.0


def pearson(answers: np.ndarray, targets: np.ndarray) -> float:
    """Pearson's correlation coefficient, and 0 where all answers or all targets are the same."""
    left, right = (values.astype(np.float64) for values in (answers, targets))
    # A mean may be off by a rounding: equal values would then seem to differ.
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return 0.0
    left, right = left - left.mean(), right - right.mean()
    # Of numbers so close that their squares vanish, and of outputs that overflowed, nothing is
    # known; neither reaches anything.
    found = float(left @ right) / math.sqrt(float(left @ left) * float(right @ right) or math.inf)
    return min(max(found, -1.0), 1.0) if math.isfinite(found) else 0.0


def spearman(answers: np.ndarray, targets: np.ndarray) -> float:
    """Spearman's correlation coefficient: Pearson's of the ranks, ties at their mean rank."""
    from scipy.stats import rankdata

    return pearson(rankdata(answers), rankdata(targets))


class Regression(TaskKind):
    """Numbers; the loss is the mean squared error of the head's one output."""

    known: ClassVar[tuple[str, ...]] = ("pearson", "spearman")
    name: ClassVar[str] = "regression"
    problem: ClassVar[Problem] = "regression"
    dtype: ClassVar[type[np.generic]] = np.float64

    @property
    def outputs(self) -> int:
        """The answer itself."""
        return 1

    def reader(self, raw_labels: Mapping[str, str] | None) -> Callable[[str], float]:
        """The source's values are numbers in text or not; there is nothing to map."""
        if raw_labels is not None:
            raise ValueError("raw_labels are for classification: regression reads numbers")
        return _number

    def show(self, target: float) -> str:
        """The number."""
        return f"target {target:g}"

    def summary(self, targets: np.ndarray) -> dict[str, float]:
        """Smallest and largest target, and their mean."""
        low, high, mean = targets.min(), targets.max(), targets.mean()
        return {"low": float(low), "high": float(high), "mean": float(mean)}

    def lacking(self, targets: np.ndarray) -> tuple[str, str] | None:
        """All numbers the same."""
        return ("every row", f"has the {self.show(targets[0])}") if np.ptp(targets) == 0 else None

    def scarce(self, targets: np.ndarray) -> list[str]:
        """Numbers need not repeat themselves."""
        return []

    def off_scale(self, targets: np.ndarray) -> str:
        """Numbers such as years or prices: training would spend itself on getting to their size."""
        mean, spread = float(targets.mean()), float(targets.std())
        if max(abs(mean), spread) <= _LARGE:
            return ""
        return (
            f"the numbers to predict are {mean:.4g} ± {spread:.2g}, far from 0, where training "
            "starts: bring them to about 0 ± 1 (docs/tasks.md), which changes no correlation"
        )

    def stands_for(self, part: np.ndarray, whole: np.ndarray) -> bool:
        """Over half the range: the beginning of a sorted split is not."""
        return bool(np.ptp(part) >= np.ptp(whole) / 2)

    def predict(self, logits: np.ndarray) -> np.ndarray:
        """The one output."""
        return logits[:, 0].astype(np.float64)

    def chance(self, targets: np.ndarray) -> float:
        """A constant answer is correlated with nothing."""
        return 0.0

    def chance_error(self, targets: np.ndarray) -> float:
        """That of answers in random order."""
        return correlation_error(0.0, len(targets))

    def pack(self, answers: np.ndarray, targets: np.ndarray) -> str:
        """The answers in single precision."""
        return pack_numbers(answers, _NUMBERS)

    def _check_labels(self) -> None:
        if self.labels:
            raise ValueError(
                f"labels are {list(self.labels)}, but regression has none: its targets are numbers"
            )

    def _metrics(self) -> Mapping[str, Metric]:
        return {"pearson": pearson, "spearman": spearman}

    def _formula_error(self, value: float, targets: np.ndarray) -> float:
        return correlation_error(value, len(targets))

    def _unpack(self, text: str, rows: int) -> np.ndarray:
        return unpack_numbers(text, rows, _NUMBERS).astype(np.float64)


def _number(raw: str) -> float:
    try:
        # Python would read 1_000 as a thousand.
        value = math.nan if "_" in raw else float(raw)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"the target {shown(raw)} is not a finite number")
    return value
