"""What a kind of task has to say; all other rooms ask it through this."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from pipeline.common.problem import Problem
from pipeline.tasks.kinds.noise import Metric, resampled


@dataclass(frozen=True)
class TaskKind(ABC):
    """A kind of task, for one task.

    Answers and targets are arrays (rows,) of ``dtype``.

    Attributes:
        labels: the label names in the order of their ids; none where targets are numbers.
        metric: the name of the metric that decides.
        known: the names of all metrics of the kind, the one of choice first.
        name: the kind's name in params.yaml.
        problem: Hugging Face's name of the loss.
        dtype: of targets, in memory and on disk.
    """

    labels: tuple[str, ...]
    metric: str

    known: ClassVar[tuple[str, ...]]
    name: ClassVar[str]
    problem: ClassVar[Problem]
    dtype: ClassVar[type[np.generic]]

    def __post_init__(self) -> None:
        self._check_labels()
        if self.metric not in self._metrics():
            raise ValueError(
                f"metric is {self.metric!r}, but must be one of {', '.join(self._metrics())} for "
                f"{self.name} with {len(self.labels)} labels"
            )

    @property
    @abstractmethod
    def outputs(self) -> int:
        """How many numbers the model's head puts out."""

    @abstractmethod
    def reader(self, raw_labels: Mapping[str, str] | None) -> Callable[[str], float]:
        """How a source's own values become targets.

        Args:
            raw_labels: the source's values and the labels that they mean, where they differ.

        Returns:
            A function that raises ValueError, with the end of a sentence, for what is no target.

        Raises:
            ValueError: the map does not suit the kind.
        """

    @abstractmethod
    def show(self, target: float) -> str:
        """A target in words."""

    @abstractmethod
    def summary(self, targets: np.ndarray) -> dict[str, float]:
        """A few numbers that describe a split's targets."""

    @abstractmethod
    def lacking(self, targets: np.ndarray) -> tuple[str, str] | None:
        """Why nothing can be learned or measured on a split with these targets (rows,).

        Returns:
            The two halves of a sentence around "of the … split", or None.
        """

    @abstractmethod
    def scarce(self, targets: np.ndarray) -> list[str]:
        """Targets that have too few rows in a split to tell much, each in words."""

    def off_scale(self, targets: np.ndarray) -> str:
        """That a head which starts near 0 hardly comes to a training split's targets (rows,).

        Returns:
            A sentence without a full stop; empty where nothing is to be said.
        """
        return ""

    @abstractmethod
    def stands_for(self, part: np.ndarray, whole: np.ndarray) -> bool:
        """Whether some of a split's targets (rows,) may be measured on in place of all."""

    @abstractmethod
    def predict(self, logits: np.ndarray) -> np.ndarray:
        """The answers (rows,) that a head's outputs (rows, outputs) mean."""

    @abstractmethod
    def chance(self, targets: np.ndarray) -> float:
        """The metric of the best answer that does not look at the text."""

    @abstractmethod
    def chance_error(self, targets: np.ndarray) -> float:
        """The standard error of `chance` on the evaluation examples."""

    @abstractmethod
    def pack(self, answers: np.ndarray, targets: np.ndarray) -> str:
        """What `gaps` and `error` need to know of the answers, as text for a line of JSON."""

    def score(self, answers: np.ndarray, targets: np.ndarray) -> float:
        """The metric that decides."""
        return self._metrics()[self.metric](answers, targets)

    def others(self, answers: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """The kind's other metrics, by name."""
        named = self._metrics().items()
        return {name: score(answers, targets) for name, score in named if name != self.metric}

    def error(self, value: float, targets: np.ndarray, full: str | None = None) -> float:
        """Standard error, from the evaluation examples, of the metric of a model that has it.

        Where answers are given that have another metric, their bootstrap error is taken and moved
        to ``value`` as the large-sample formula changes from the one to the other.

        Args:
            value: the metric.
            targets: what would be right (rows,).
            full: packed answers of full fine-tuning; without them the formula's error is given.
        """
        formula = self._formula_error(value, targets)
        if full is None:
            return formula
        answers = self._unpack(full, len(targets))
        at_full = self._formula_error(self.score(answers, targets), targets)
        found = float(np.std(resampled(self.score, [answers], targets), ddof=1))
        # Perfect or constant answers are as good on every resample: their bootstrap tells nothing.
        return formula * found / at_full if at_full > 0 and found > 0 else formula

    def gaps(
        self, packed: Sequence[str], full: str, fraction: float, targets: np.ndarray
    ) -> np.ndarray:
        """Numbers whose covariance tells the evaluation noise of metrics less their target.

        Args:
            packed: answers of each probe.
            full: answers of full fine-tuning.
            fraction: by which full fine-tuning's metric enters the target.
            targets: what would be right (rows,).

        Returns:
            An array (probes, numbers); the covariance of two of its lines over the number of
            evaluation examples is that of the two probes' metrics less ``fraction`` times full
            fine-tuning's.
        """
        rows = len(targets)
        answers = [self._unpack(text, rows) for text in (*packed, full)]
        metrics = resampled(self.score, answers, targets)
        return np.asarray((metrics[:-1] - fraction * metrics[-1]) * math.sqrt(rows))

    @abstractmethod
    def _check_labels(self) -> None:
        """Raise ValueError where the labels do not suit the kind."""

    @abstractmethod
    def _metrics(self) -> Mapping[str, Metric]:
        """The metrics that this task has, by name."""

    @abstractmethod
    def _formula_error(self, value: float, targets: np.ndarray) -> float:
        """The metric's standard error in large samples."""

    @abstractmethod
    def _unpack(self, text: str, rows: int) -> np.ndarray:
        """The answers (rows,) that were packed."""
