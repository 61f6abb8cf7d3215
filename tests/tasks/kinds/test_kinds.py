"""What each kind says of answers: metrics, chance, noise, and how it packs them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.tasks.kinds import Classification, Regression, make_kind
from pipeline.tasks.kinds.classification import accuracy, f1, matthews
from pipeline.tasks.kinds.regression import pearson, spearman

LABELS = ("no", "yes")
PAIRS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=2)


def noisy(rows: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Numbers and answers that are correlated with them."""
    generator = np.random.default_rng(seed)
    targets = generator.normal(size=rows)
    return targets + generator.normal(size=rows), targets


@given(PAIRS)
def test_matthews_is_the_correlation_of_two_labels(pairs):
    answers, labels = map(np.asarray, zip(*pairs, strict=True))
    assert matthews(answers, labels) == pytest.approx(pearson(answers, labels), abs=1e-12)


def test_matthews_of_three_labels_is_gorodkins():
    answers, labels = np.array([0, 0, 1, 2, 2, 1]), np.array([0, 1, 1, 2, 0, 1])
    assert matthews(answers, labels) == pytest.approx((6 * 4 - 12) / np.sqrt((36 - 12) * (36 - 14)))


def test_correlations_are_scipys():
    answers, targets = noisy()
    answers = answers.round(1)
    assert pearson(answers, targets) == pytest.approx(stats.pearsonr(answers, targets)[0])
    assert spearman(answers, targets) == pytest.approx(stats.spearmanr(answers, targets)[0])


@pytest.mark.parametrize("answers", [np.full(5, 0.1), np.full(5, np.nan)])
def test_answers_without_information_have_no_correlation(answers):
    assert pearson(answers, np.arange(5.0)) == spearman(answers, np.arange(5.0)) == 0.0


@given(st.lists(st.integers(0, 3), min_size=1))
def test_chance_is_the_best_constant_answer(values):
    labels = np.asarray(values)
    best = float(np.bincount(labels).max() / len(labels))
    assert Classification(("a", "b", "c", "d"), "accuracy").chance(labels) == best


def test_chance_of_each_metric():
    labels = np.array([1, 1, 1, 0])
    assert Classification(LABELS, "f1").chance(labels) == f1(np.ones(4, int), labels) == 6 / 7
    assert Classification(LABELS, "matthews").chance(labels) == 0
    assert Regression((), "pearson").chance(np.arange(4.0)) == 0


def test_accuracy_keeps_its_binomial_error_and_its_gaps():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 41)
    answers = [np.where(generator.random(41) < 0.8, labels, 1 - labels) for _ in range(3)]
    kind = Classification(LABELS, "accuracy")
    packed = [kind.pack(own, labels) for own in answers]
    right = [own == labels for own in answers]
    expected = np.stack([own - 0.9 * right[2] for own in right[:2]])
    assert np.array_equal(kind.gaps(packed[:2], packed[2], 0.9, labels), expected)
    assert kind.error(0.7, labels, packed[2]) == np.sqrt(0.7 * (1 - 0.7) / 41)


@pytest.mark.parametrize("metric", ["pearson", "spearman"])
def test_the_bootstraps_error_is_about_the_formulas_for_normal_numbers(metric):
    answers, targets = noisy()
    kind = Regression((), metric)
    value, full = kind.score(answers, targets), kind.pack(answers, targets)
    assert kind.error(value, targets, full) == pytest.approx(kind.error(value, targets), rel=0.25)
    assert kind.error(0.1, targets, full) > kind.error(0.9, targets, full)


def test_probes_that_answer_alike_share_their_noise():
    answers, targets = noisy()
    kind = Regression((), "pearson")
    other = kind.pack(noisy(seed=1)[0], targets)
    full = kind.pack(answers, targets)
    covariance = np.cov(kind.gaps([full, full, other], full, 0.0, targets)) / len(targets)
    assert covariance[0, 1] == pytest.approx(covariance[0, 0])
    assert abs(covariance[0, 2]) < 0.2 * covariance[0, 0]
    assert np.sqrt(covariance[0, 0]) == pytest.approx(
        kind.error(kind.score(answers, targets), targets, full), rel=0.01
    )


def test_other_metrics_are_reported_beside_the_one_that_decides():
    answers, labels = np.array([1, 0, 1, 1]), np.array([1, 0, 0, 1])
    others = Classification(LABELS, "matthews").others(answers, labels)
    assert others == {"accuracy": accuracy(answers, labels), "f1": f1(answers, labels)}
    assert set(Classification(("a", "b", "c"), "accuracy").others(answers, labels)) == {"matthews"}


@pytest.mark.parametrize(
    ("name", "labels", "metric", "sentence"),
    [
        ("classification", ["a"], None, "at least two, all different"),
        ("classification", ["a", "b"], "pearson", "must be one of accuracy, f1, matthews"),
        ("classification", ["a", "b", "c"], "f1", "must be one of accuracy, matthews"),
        ("regression", ["a", "b"], None, "regression has none"),
        ("regression", [], "accuracy", "must be one of pearson, spearman"),
    ],
)
def test_what_does_not_suit_a_kind_is_refused(name, labels, metric, sentence):
    with pytest.raises(ValueError, match=sentence):
        make_kind(name, labels, metric)


def test_a_target_that_is_no_number_is_refused():
    read = Regression((), "pearson").reader(None)
    assert read("2.5") == 2.5
    for raw in ("good", "nan", "inf"):
        with pytest.raises(ValueError, match="is not a finite number"):
            read(raw)


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([1800.0, 1900.0, 1850.0], "1850 ± 41, far from 0"),
        ([-30.0, 30.0, 0.0], "0 ± 24, far from 0"),
        ([0.0, 5.0, 2.5], ""),
    ],
    ids=["years", "wide", "as STS-B"],
)
def test_numbers_far_from_where_training_starts_are_named(targets, said):
    found = Regression((), "pearson").off_scale(np.array(targets))
    assert said in found and bool(found) == bool(said)


def test_labels_have_no_scale():
    assert Classification(LABELS, "accuracy").off_scale(np.array([0, 1])) == ""
