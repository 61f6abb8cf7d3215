"""Tasks whose answers are labels: accuracy, F1 and Matthews' correlation coefficient."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from pipeline.common.checked import shown
from pipeline.common.problem import Problem
from pipeline.tasks.kinds.kind import TaskKind
from pipeline.tasks.kinds.noise import Metric, correlation_error, resampled, share_error
from pipeline.tasks.kinds.packing import pack_bits, pack_numbers, unpack_bits, unpack_numbers

_HIDDEN = "-1"  # GLUE's test rows
_IDS = "<u2"
# Labels with fewer rows are mentioned.
_FEW = 5
_WHOLE = re.compile(r"([+-]?\d+)\.0*")
_FRACTION = re.compile(r"[+-]?\d*\.\d+")
_TRUTHS = ("true", "false")


def accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    """The share of rows answered right."""
    return float(np.mean(answers == labels))


def f1(answers: np.ndarray, labels: np.ndarray) -> float:
    """F1 of label 1 in a binary task: 2·tp / (2·tp + fp + fn), and 0 when nothing is positive."""
    hits = int(np.sum((answers == 1) & (labels == 1)))
    errors = int(np.sum(answers != labels))
    return 2 * hits / (2 * hits + errors) if hits else 0.0


def matthews(answers: np.ndarray, labels: np.ndarray) -> float:
    """Matthews' correlation coefficient, and 0 where all answers or all labels are the same.

    With more than two labels it is Gorodkin's generalisation (2004), as in scikit-learn.
    """
    size = int(max(answers.max(), labels.max())) + 1
    table = np.bincount(size * labels + answers, minlength=size * size).reshape(size, size)
    said, true, rows = table.sum(0), table.sum(1), len(labels)
    # In whole numbers of Python's: products of counts may leave 64 bits.
    shared = rows * int(np.trace(table)) - sum(map(_product, said, true))
    spread = (rows**2 - sum(map(_product, said, said))) * (rows**2 - sum(map(_product, true, true)))
    return shared / math.sqrt(spread) if spread else 0.0


def _plain(raw: str) -> str:
    """A label without what writing it added: spaces, pandas' ``.0``, a capital in True."""
    text = raw.strip()
    if whole := _WHOLE.fullmatch(text):
        return whole[1]
    return text.lower() if text.lower() in _TRUTHS else text


def _unambiguous(known: Mapping[str, int]) -> dict[str, int]:
    """Plain form → id, of labels whose plain form no other label has."""
    meant: dict[str, set[int]] = {}
    for raw, own in known.items():
        meant.setdefault(_plain(raw), set()).add(own)
    return {raw: own.pop() for raw, own in meant.items() if len(own) == 1}


def _outside(raw: str, known: Mapping[str, int]) -> str:
    """What is said of a label that is not known."""
    hint = " (a hidden test label: choose another split)" if raw == _HIDDEN else ""
    number = ", or set kind: regression for numbers" if _FRACTION.fullmatch(raw.strip()) else ""
    return (
        f"label {shown(raw)} is outside the map{hint}; it knows {', '.join(map(repr, known))}: "
        f"say what it means in raw_labels, or leave its rows out with drop{number}"
    )


def _product(left: np.integer, right: np.integer) -> int:
    return int(left) * int(right)


class Classification(TaskKind):
    """Labels, one of which is right; the loss is cross-entropy.

    Accuracy is the mean of an example's right (1) or wrong (0), so its noise follows from these
    alone, and only these are packed. For the other metrics the label ids are packed.
    """

    known: ClassVar[tuple[str, ...]] = ("accuracy", "f1", "matthews")
    name: ClassVar[str] = "classification"
    problem: ClassVar[Problem] = "single_label_classification"
    dtype: ClassVar[type[np.generic]] = np.int64

    @property
    def outputs(self) -> int:
        """One a label."""
        return len(self.labels)

    def reader(self, raw_labels: Mapping[str, str] | None) -> Callable[[str], float]:
        """Raw label → id: names and ``raw_labels``, or names and ids from 0; " 1" and 1.0 are 1."""
        known = self.label_ids(raw_labels)
        plain = _unambiguous(known)

        def read(raw: str) -> float:
            found = known.get(raw, plain.get(_plain(raw)))
            if found is None:
                raise ValueError(_outside(raw, known))
            return found

        return read

    def label_ids(self, raw_labels: Mapping[str, str] | None) -> dict[str, int]:
        """Raw label → id, for each raw label that is known; where two say so, ``raw_labels`` do.

        Raises:
            ValueError: ``raw_labels`` map to what is no label, or map the mark of hidden labels.
        """
        ids = {name: index for index, name in enumerate(self.labels)}
        if raw_labels is None:
            return {**{str(index): index for index in ids.values()}, **ids}
        unknown = set(raw_labels.values()) - set(self.labels)
        if unknown:
            raise ValueError(f"raw_labels map to {sorted(unknown)}, which labels does not list")
        if _HIDDEN in raw_labels:
            raise ValueError(f"raw_labels map {_HIDDEN!r}, which marks rows without a known label")
        raw = {text: ids[name] for text, name in raw_labels.items()}
        return {**raw, **{name: own for name, own in ids.items() if name not in raw}}

    def show(self, target: float) -> str:
        """The label's name."""
        return f"label {self.labels[int(target)]!r}"

    def summary(self, targets: np.ndarray) -> dict[str, float]:
        """How many rows have each label."""
        counts = np.bincount(targets, minlength=len(self.labels))
        return dict(zip(self.labels, counts.tolist(), strict=True))

    def lacking(self, targets: np.ndarray) -> tuple[str, str] | None:
        """Only one label, or one that no row has."""
        counts = np.bincount(targets, minlength=len(self.labels))
        if np.count_nonzero(counts) == 1:
            return "every row", f"has the {self.show(targets[0])}"
        absent = [name for name, count in zip(self.labels, counts, strict=True) if not count]
        return ("no row", f"has the label {absent[0]!r}") if absent else None

    def scarce(self, targets: np.ndarray) -> list[str]:
        """Labels of fewer than five rows."""
        found = self.summary(targets).items()
        return [f"label {name!r} has only {int(n)} rows" for name, n in found if n < _FEW]

    def stands_for(self, part: np.ndarray, whole: np.ndarray) -> bool:
        """With every label: the beginning of a sorted split lacks one."""
        return set(whole) == set(part)

    def predict(self, logits: np.ndarray) -> np.ndarray:
        """The id of the largest output, the first of equals."""
        return np.asarray(logits.argmax(-1))

    def chance(self, targets: np.ndarray) -> float:
        """The metric of the best constant answer: for accuracy, the majority class's share."""
        return self.score(self._constant(targets), targets)

    def chance_error(self, targets: np.ndarray) -> float:
        """For F1 that of the constant answer; Matthews' is that of answers in random order."""
        if self.metric != "f1":
            return self._formula_error(self.chance(targets), targets)
        constant = self._constant(targets)
        return float(np.std(resampled(self.score, [constant], targets), ddof=1))

    def error(self, value: float, targets: np.ndarray, full: str | None = None) -> float:
        """See `TaskKind.error`; accuracy's is the binomial one at any value."""
        return super().error(value, targets, None if self.metric == "accuracy" else full)

    def pack(self, answers: np.ndarray, targets: np.ndarray) -> str:
        """Which answers are right, for accuracy; else the answers."""
        if self.metric == "accuracy":
            return pack_bits(answers == targets)
        return pack_numbers(answers, _IDS)

    def gaps(
        self, packed: Sequence[str], full: str, fraction: float, targets: np.ndarray
    ) -> np.ndarray:
        """See `TaskKind.gaps`; for accuracy each example's right less the target's share of it."""
        if self.metric != "accuracy":
            return super().gaps(packed, full, fraction, targets)
        rows = len(targets)
        right = unpack_bits(full, rows)
        return np.stack([unpack_bits(text, rows) - fraction * right for text in packed])

    def _check_labels(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise ValueError(
                f"labels are {list(self.labels)}, but must be at least two, all different (a task "
                "whose answers are numbers has kind: regression)"
            )

    def _metrics(self) -> Mapping[str, Metric]:
        binary = {"f1": f1} if len(self.labels) == 2 else {}
        return {"accuracy": accuracy, **binary, "matthews": matthews}

    def _formula_error(self, value: float, targets: np.ndarray) -> float:
        """Accuracy is a share; F1 is taken for one of the positive rows."""
        if self.metric == "matthews":
            return correlation_error(value, len(targets))
        rows = len(targets) if self.metric == "accuracy" else int(np.sum(targets == 1))
        return share_error(value, max(rows, 1))

    def _unpack(self, text: str, rows: int) -> np.ndarray:
        return unpack_numbers(text, rows, _IDS).astype(np.int64)

    def _constant(self, targets: np.ndarray) -> np.ndarray:
        """The best constant answers (rows,)."""
        each = (np.full_like(targets, label) for label in range(len(self.labels)))
        return max(each, key=lambda answers: self.score(answers, targets))
