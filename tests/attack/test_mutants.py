"""The attack itself, on what takes no time; what it finds is in benchmarks/RESULTS.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.attack import forked, mutants
from benchmarks.attack.forked import Ended
from benchmarks.attack.mutants import Found
from benchmarks.attack.tiny import tiny_params
from pipeline.study.reading import as_params

PARAMS = tiny_params(["polarity_short"])


def test_a_seed_decides_the_changes() -> None:
    first = list(map(str, mutants.drawn(PARAMS, 30, 1)))
    assert len(first) == 30 and first == list(map(str, mutants.drawn(PARAMS, 30, 1)))
    assert first != list(map(str, mutants.drawn(PARAMS, 30, 2)))


def test_what_is_run_is_another_study_and_not_a_large_one() -> None:
    found = Found()
    accepted = list(mutants._accepted(PARAMS, 60, 0, found))
    assert found.drawn == 60 >= found.read >= found.small == len(accepted) > 0
    most = mutants.estimate(as_params(PARAMS))
    epochs = mutants.changed(PARAMS, ("finetune", "epochs"), 10_000)
    assert mutants._small(as_params(PARAMS), most) and not mutants._small(as_params(epochs), most)


ENDS = {
    "TRACEBACK": [Ended(1, "Traceback (most recent call last):")],
    "refused by a stage": [Ended(2, "error: too few rows")],
    "ended after its time": [Ended(None, "")],
    "NEVER DONE": [Ended(0, "stages: 9 ran"), Ended(0, "stages: 9 ran")],
    "UNHEARD": [Ended(0, "Running stage 'settings' (0"), Ended(0, mutants._NOTHING_LEFT)],
    "the same result": [Ended(0, "Running stage 'search@a' (0"), Ended(0, mutants._NOTHING_LEFT)],
}


@pytest.mark.parametrize("end", ENDS)
def test_endings_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    said = iter(ENDS[end])
    monkeypatch.setattr(forked, "command", lambda *_, **__: next(said))
    assert mutants._end_of(tmp_path, {})[0] == end


def test_another_result_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked, "command", lambda *_, **__: Ended(0, mutants._NOTHING_LEFT))
    assert mutants._end_of(tmp_path, {"reports/cells.csv": "1"}) == (
        "another result", "reports/cells.csv",
    )  # fmt: skip


def test_what_was_not_heard_is_told() -> None:
    found = Found(drawn=9, read=3, small=2, wrong=["seed = 1: UNHEARD: it"])
    found.ends["UNHEARD"] = 1
    assert not found.held and found.table()[2:] == [
        "| 9 | 3 | 2 | 1: 1 UNHEARD | 1 |", "wrong: seed = 1: UNHEARD: it",
    ]  # fmt: skip
