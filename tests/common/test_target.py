from __future__ import annotations

import json
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.status import SearchEnd, Status
from pipeline.common.target import precheck, reaches, target_metric
from pipeline.dimension.binomial import binomial_error

# method §2 and §4: majority accuracy, and the full accuracy under which 0.9 · full falls below it.
PUBLISHED = [
    ("mrpc", 0.6838, 0.760),
    ("qqp", 0.6318, 0.702),
    ("sst2", 0.5092, 0.566),
    ("yelp", 0.5000, 0.556),
    ("mnli", 0.3545, 0.394),
    ("anli", 0.3340, 0.371),
]


def status_of(full: float, majority: float, kind: str = "fraction", **more: float) -> Status | None:
    early = precheck(full, majority, target_metric(full, majority, 0.9, kind), **more)  # type: ignore[arg-type]
    return early and early[0]


def test_the_target_is_the_papers_example():
    assert target_metric(0.85, 0.6838, 0.9, "fraction") == pytest.approx(0.765)


def test_the_chance_corrected_target_lies_between_majority_and_full():
    assert target_metric(0.9, 0.5, 0.75, "chance_corrected") == pytest.approx(0.8)


@pytest.mark.parametrize(("task", "majority", "least"), PUBLISHED)
def test_the_target_falls_below_the_majority_class_where_the_method_says(task, majority, least):
    assert status_of(least - 0.001, majority) is Status.TARGET_BELOW_CHANCE
    assert status_of(least + 0.001, majority) is None


@pytest.mark.parametrize(("task", "majority", "least"), PUBLISHED)
def test_that_accuracy_is_the_majority_classs_over_the_fraction(task, majority, least):
    edge = majority / 0.9
    assert round(edge, 3) == least
    assert status_of(edge - 1e-6, majority) is Status.TARGET_BELOW_CHANCE
    assert status_of(edge + 1e-6, majority) is None


@pytest.mark.parametrize(
    ("rows", "majority", "most"), [(408, 279, 310), (872, 444, 493), (3200, 1069, 1187)]
)
def test_it_falls_below_on_whole_counts(rows, majority, most):
    """MRPC, SST-2 and ANLI: the largest number right whose 0.9 is no more than the majority's."""
    assert 9 * most <= 10 * majority < 9 * (most + 1)
    assert status_of(most / rows, majority / rows) is Status.TARGET_BELOW_CHANCE
    assert status_of((most + 1) / rows, majority / rows) is None


@pytest.mark.parametrize(("task", "majority", "least"), PUBLISHED)
def test_a_chance_corrected_target_is_never_below_the_majority_class(task, majority, least):
    assert status_of(majority + 0.001, majority, "chance_corrected") is None


def test_a_baseline_that_only_equals_the_majority_class_has_no_d90():
    assert status_of(0.6838, 0.6838) is Status.BASELINE_AT_CHANCE
    assert status_of(0.5, 0.6838) is Status.BASELINE_AT_CHANCE


def test_a_target_that_equals_the_majority_class_counts_as_below():
    assert status_of(5 / 9, 0.5) is Status.TARGET_BELOW_CHANCE


def test_a_margin_asks_the_baseline_to_beat_chance_by_standard_errors():
    # The standard error of 0.5 over 400 rows is 0.025.
    assert status_of(0.574, 0.5) is None
    assert (
        status_of(0.574, 0.5, margin=3.0, chance_error=binomial_error(0.5, 400))
        is Status.BASELINE_AT_CHANCE
    )
    assert status_of(0.576, 0.5, margin=3.0, chance_error=binomial_error(0.5, 400)) is None


def test_reasons_name_the_numbers():
    _, at_majority = precheck(0.51, 0.5, 0.459, margin=2.0, chance_error=0.025) or ("", "")
    assert (
        "0.5100" in at_majority and "0.5000" in at_majority and "2 standard errors" in at_majority
    )
    _, below = precheck(0.7, 0.6838, 0.63) or ("", "")
    assert "0.6300" in below and "0.6838" in below


@given(st.integers(1, 60_000), st.data())
def test_reaching_is_exact_on_counts(rows, data):
    hits, full = data.draw(st.integers(0, rows)), data.draw(st.integers(0, rows))
    percent = data.draw(st.integers(1, 100))
    exact = Fraction(hits, rows) >= Fraction(percent, 100) * Fraction(full, rows)
    assert reaches(hits / rows, target_metric(full / rows, 0.5, percent / 100, "fraction")) == exact


def test_not_a_number_reaches_nothing():
    assert not reaches(float("nan"), 0.0)


def test_a_status_is_written_as_its_value():
    assert f"{Status.OK}" == str(Status.OK) == "ok"
    assert json.dumps([Status.NOT_REACHED]) == '["not_reached"]'
    assert {str(status) for status in Status} == {
        "ok",
        "baseline_at_chance",
        "target_below_chance",
        "below_grid",
        "not_reached",
        "diverged",
    }


def test_every_end_of_a_search_has_its_sentence():
    assert json.dumps([SearchEnd.BEYOND]) == '["beyond"]'
    sentences = {end.sentence for end in SearchEnd}
    assert len(sentences) == len(SearchEnd) == 4
