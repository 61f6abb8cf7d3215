"""The dress rehearsal, rehearsed: every part at a small width."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from benchmarks import rehearsal
from benchmarks.rehearsal import Rehearsal, line, measured

LAPTOP = Path(__file__).parents[2] / "presets/laptop.yaml"
DIMS = (50, 500)


def test_every_part_runs_and_says_how_far_it_was_cut(tmp_path: Path) -> None:
    rehearsed = Rehearsal(LAPTOP, tmp_path, batch=4, micro_batch=2, rows=6)
    rows = [measured(name, part) for name, part in rehearsed.parts(DIMS).items()]
    assert all(row["seconds"] > 0 and row["peak GiB"] > 0.1 for row in rows)
    text, _, pretrained, converted, task, full, small, _, applied = rows
    assert text["what came of it"] == "a vocabulary of 1,200"
    assert pretrained["cut"] == "4 rows of 32 tokens instead of 32, 2 at a time instead of 32"
    assert float(str(converted["what came of it"]).split()[3]) < 1e-4
    # Rows are as long as the preset allows, so that shapes are its own.
    assert task["what came of it"] == "96 tokens a row"
    assert full["cut"] == "6 rows of 96 tokens instead of 32"
    assert small["what came of it"] == "50 numbers trained and kept"
    assert applied["what came of it"] == "2 logits, finite"
    trained = (tmp_path / "s2/state/training.jsonl").read_text().splitlines()
    assert json.loads(trained[-2])["step"] == 2
    epochs = (tmp_path / "full/epochs.jsonl").read_text().splitlines()
    assert len(epochs) == 1


def test_a_row_is_kept_at_once_and_a_failure_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, seen = tmp_path / "out", []

    def rows_of(command: list[str], seconds: float, log: Path) -> list[dict[str, object]]:
        seen.append((out / "rows.jsonl").read_text() if seen else "")
        if len(seen) == 2:
            return [{"case": "FAILED: MemoryError: no room"}]
        return [{"cut": "nothing", "seconds": 1.25, "peak GiB": 2.0, "what came of it": "x"}]

    monkeypatch.setattr(rehearsal, "rows_of", rows_of)
    monkeypatch.setattr(sys, "argv", ["rehearsal", "--params", str(LAPTOP), "--out", str(out)])
    assert rehearsal.main() == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2 + len(seen) == 11
    assert seen[1].count("\n") == 1
    assert "FAILED: MemoryError: no room |" in printed[3]
    assert printed[4].endswith("| nothing | 1.2 |  | 2.0 | x |")
    assert rehearsal.main() == 2


def test_the_process_of_a_part_prints_its_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--params", str(LAPTOP), "--out", str(tmp_path), "--part", "tokenizer and corpus"]
    monkeypatch.setattr(sys, "argv", ["rehearsal", *arguments])
    assert rehearsal.main() == 0
    row = json.loads(capsys.readouterr().out)
    assert line(row).startswith("| tokenizer and corpus | 1,200 words of random letters | ")
