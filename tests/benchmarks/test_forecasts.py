from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import forecasts
from benchmarks.forecasts import Told, all_told, calibration, stops
from benchmarks.recorded import EPOCHS, RecordedCell
from pipeline.common.artifacts import journal_line
from tests.benchmarks.test_search_real import rows

HELD = [0.5, 0.5] + [0.7] * (EPOCHS - 2)


def cell(*curves: list[float], diverged: bool = False) -> RecordedCell:
    made = RecordedCell("s0", "paraphrase")
    for row in [line for line in rows("s0") if line["key"][2] != "probe"]:
        made.take(row)
    for seed, curve in enumerate(curves):
        made.take({"key": ["s0", "paraphrase", "probe", 60, seed, 0.5], "curve": curve,
                   "diverged": diverged})  # fmt: skip
    return made


def test_only_what_was_forecast_before_the_end_counts() -> None:
    late, early = [*HELD[:-1], 0.99], [0.6, 0.97, *HELD[2:]]
    missed, reached, at_once = all_told([cell(HELD, late, early)])
    assert (missed.reached, reached.reached, at_once.reached) == (False, True, True)
    assert len(missed.chances) == len(reached.chances) == EPOCHS - 1 and len(at_once.chances) == 1
    assert missed.spared > 0 and not missed.lost
    # Until its last evaluation it is the other one's curve, so it is ended as that one is.
    assert reached.lost and not at_once.lost
    assert list(all_told([cell(HELD, diverged=True)])) == []


def test_tables_count_trainings_and_forecasts() -> None:
    told = [
        Told("a", (0.31, 0.05), True, True, 0.5),
        Told("a", (0.39,), False, False, 0.25),
        Told("a", (1.0,), True, False, 0.0),
    ]
    assert [line.split() for line in calibration(told)] == [
        ["0.0-0.1", "1", "0.050", "1.000"],
        ["0.3-0.4", "2", "0.350", "0.500"],
        ["0.9-1.0", "1", "1.000", "1.000"],
    ]
    assert stops("a", told).split() == ["a", "1", "of", "2", "0.25"]


def test_journals_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(map(journal_line, rows("s0", seeds=1))))
    monkeypatch.setattr(sys, "argv", ["forecasts", str(path)])
    forecasts.main()
    printed = capsys.readouterr().out
    assert "paraphrase" in printed and "all  " in printed
