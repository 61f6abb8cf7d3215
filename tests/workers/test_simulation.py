from __future__ import annotations

import pytest

from pipeline.workers.simulation import Outcome, describe, longest_chain, simulate

# A chain of two that each two others wait for.
NEEDS = {
    "pretrain@1": [], "pretrain@2": ["pretrain@1"],
    "search@1a": ["pretrain@1"], "search@1b": ["pretrain@1"], "search@2a": ["pretrain@2"],
}  # fmt: skip
SECONDS = {
    "pretrain@1": 4.0,
    "pretrain@2": 4.0,
    "search@1a": 2.0,
    "search@1b": 2.0,
    "search@2a": 2.0,
}


@pytest.mark.parametrize(
    ("workers", "wide", "outcome"),
    [
        (1, 1, Outcome(1, 14.0, 0.0)),
        (2, 1, Outcome(2, 10.0, pytest.approx(0.3))),
        (64, 1, Outcome(64, 10.0, pytest.approx(1 - 14 / 640))),
        # Both workers together for the chain, then the three side by side.
        (2, 2, Outcome(2, 8.0, pytest.approx(0.125))),
        # A stage is never wider than what there is.
        (1, 8, Outcome(1, 14.0, 0.0)),
    ],
)
def test_a_study_is_worked_out_by_the_clock(workers: int, wide: int, outcome: Outcome) -> None:
    widths = {name: wide for name in NEEDS if name.startswith("pretrain")}
    assert simulate(NEEDS, SECONDS, workers, widths) == outcome


def test_a_study_without_costs_has_no_idle_time() -> None:
    assert simulate({"a": []}, {}, 2, {}) == Outcome(2, 0.0, 0.0)


def test_the_longest_chain_is_told_by_kind() -> None:
    assert longest_chain(NEEDS, SECONDS) == {"search": 2.0, "pretrain": 8.0}


def test_what_limits_is_said() -> None:
    hours = {name: 3600 * took for name, took in SECONDS.items()}
    text = describe(NEEDS, hours, (1, 2), {}).splitlines()
    assert text[0] == "5 stages, 14.00 hours of work on one worker"
    assert text[2].split(maxsplit=3) == ["1", "14.00", "0%", "the work itself"]
    assert text[3].split(maxsplit=3) == ["2", "10.00", "30%", "the longest chain"]
    assert text[-1] == "the longest chain of stages takes 10.00 hours: search 2.00, pretrain 8.00"
