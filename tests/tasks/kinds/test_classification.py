from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.tasks.kinds import make_kind
from pipeline.tasks.kinds.classification import accuracy, f1

PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1)


@given(PAIRS)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(pairs: list[tuple[int, int]]) -> None:
    predictions, labels = map(np.asarray, zip(*pairs, strict=True))
    hits = sum(pair == (1, 1) for pair in pairs)
    if hits:
        precision, recall = hits / predictions.sum(), hits / labels.sum()
        expected = 2 * precision * recall / (precision + recall)
    else:
        expected = 0.0
    assert f1(predictions, labels) == pytest.approx(expected, abs=1e-12)


@given(PAIRS)
def test_accuracy_counts_agreements(pairs: list[tuple[int, int]]) -> None:
    predictions, labels = map(np.asarray, zip(*pairs, strict=True))
    assert accuracy(predictions, labels) == sum(a == b for a, b in pairs) / len(pairs)


@given(st.lists(st.integers(0, 3), min_size=1))
def test_chance_is_the_best_constant_answer(values: list[int]) -> None:
    labels = np.asarray(values)
    best = max(accuracy(np.full(len(values), label), labels) for label in range(4))
    kind = make_kind("classification", ("a", "b", "c", "d"))
    assert kind.chance(labels) == best
