from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmarks import search_real
from benchmarks.recorded import EPOCHS, GRID, MULTIPLES, SEARCHED, RecordedCell, recorded
from benchmarks.recording import Recorder
from benchmarks.search_real import Compared, Source, compare, total
from pipeline.common.artifacts import Journal, Json, journal_line
from pipeline.common.status import SearchEnd
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.record import Ending, Probe
from pipeline.dimension.verdict import Verdict
from pipeline.subspace.config import SubspaceConfig
from pipeline.training.optimizers import AdamW
from tests.worlds import FINETUNE, open_cell, world

__all__ = ["world"]
META = {"chance": 0.5, "chance_error": 0.02, "D": 150_000, "rows": 600, "lr": 0.002}


def curve(best: float) -> list[float]:
    """A training that has learned all after a third of its epochs."""
    return [0.5 + (best - 0.5) * min((epoch + 1) / 4, 1) for epoch in range(EPOCHS)]


def accuracy(d: int) -> float:
    return 0.5 + 0.5 / (1 + math.exp(-6 * (math.log10(d) - 2.6)))


def rows(checkpoint: str, seeds: int = 3, full: float = 1.0) -> list[Json]:
    base = [checkpoint, "paraphrase"]
    found: list[Json] = [
        {"key": [*base, "full", seed], "curve": curve(full - 0.01 * seed)[:8], "tokens": 800}
        for seed in range(3)
    ]
    found.append({"key": [*base, "meta"], **META})
    for d in GRID:
        for seed in range(seeds):
            found += [
                {"key": [*base, "probe", d, seed, multiple], "diverged": False,
                 "curve": curve(accuracy(d) - (multiple > 1) * 0.2)}
                for multiple in MULTIPLES
            ]  # fmt: skip
    return found


def journal(path: Path, lines: list[Json]) -> Path:
    path.write_text("".join(map(journal_line, lines)))
    return path


def replayed(path: Path, rates: Sequence[float] = SEARCHED) -> list[Compared | str]:
    sources = (Source(cell) for cell in recorded(Journal(path)))
    return list(compare(path.stem, sources, EfficientConfig(), rates))


def test_the_target_is_that_of_the_full_runs_mean(tmp_path: Path) -> None:
    (cell,) = recorded(Journal(journal(tmp_path / "a.jsonl", rows("s0", seeds=1))))
    question = cell.question()
    assert question is not None
    assert question.full == pytest.approx(0.99)
    assert question.target == pytest.approx(0.5 + 0.9 * 0.49)
    assert question.full_error == pytest.approx(0.9 * 0.01 / math.sqrt(3))
    assert question.cost == EPOCHS / 8 and cell.tokens == 100
    # A rate is that many units at every d: full fine-tuning's times √(D/d).
    probe = Probe(973, 0, 0.5 * 0.002 * math.sqrt(150_000 / 973))
    assert cell.place(probe, question) == (973, 0, 0.5)
    cell.probes[973, 0, 0.5]["diverged"] = True
    broken = cell.record(probe, question)
    assert broken is not None and broken.ended is Ending.DIVERGED


def test_a_cell_at_chance_is_not_searched(tmp_path: Path) -> None:
    path = journal(tmp_path / "a.jsonl", rows("s0", seeds=1, full=0.55))
    assert replayed(path) == []


def test_both_protocols_are_replayed_from_the_recording(tmp_path: Path) -> None:
    lines = rows("s0", seeds=6) + rows("s1", seeds=6)
    first, second = replayed(journal(tmp_path / "seed0.jsonl", lines))
    assert isinstance(first, Compared) and isinstance(second, Compared)
    target = next(d for d in GRID if accuracy(d) >= 0.5 + 0.9 * 0.49)
    assert first.paper.d90_paper == target and second.inside
    # Between the grid's values the metric meets the target here.
    assert first.estimate.low < 861 < first.estimate.high
    assert first.paper_epochs % (EPOCHS * len(MULTIPLES)) == 0
    assert first.epochs < first.paper_epochs / 3
    # The second search knows the first one's answer.
    (alone,) = replayed(journal(tmp_path / "alone.jsonl", lines[len(lines) // 2 :]))
    assert isinstance(alone, Compared) and alone.estimate == first.estimate != second.estimate
    assert f" {first.epochs} of" in first.line()
    spent = 2 * first.paper_epochs / (first.epochs + second.epochs)
    assert total("all", [first, second]).startswith(f"all: 2 cells, training tokens 1/{spent:.2f}")


def test_the_search_has_the_rates_that_are_named(tmp_path: Path) -> None:
    lines = rows("s0", seeds=6)
    for line in lines:
        if line["key"][-1] == 0.5:
            line["curve"] = curve(0.5)
    path = journal(tmp_path / "a.jsonl", lines)
    (three,), (one,) = replayed(path), replayed(path, (0.5,))
    assert isinstance(three, Compared) and isinstance(one, Compared)
    assert three.paper == one.paper
    # With the one rate no training reaches, and the interval is open above.
    assert three.ratio < one.ratio == math.inf


def test_what_is_not_recorded_is_named(tmp_path: Path) -> None:
    lines = [line for line in rows("s0", seeds=1) if line["key"][2:4] != ["probe", 973]]
    (found,) = replayed(journal(tmp_path / "a.jsonl", lines))
    assert isinstance(found, str) and "incomplete: d = 973, seed 0" in found


@pytest.mark.parametrize(
    ("verdict", "low", "high", "inside"),
    [
        (Verdict(SearchEnd.SETTLED, 200, 100), 150, 250, True),
        (Verdict(SearchEnd.SETTLED, 200, 100), 210, 250, False),
        (Verdict(SearchEnd.SETTLED, 32, None), 20, 30, True),
        (Verdict(SearchEnd.SETTLED, 32, None), 33, 50, False),
        (Verdict(SearchEnd.SETTLED, None, 400), 300, 401, True),
        (Verdict(SearchEnd.SETTLED, None, 400), 300, 399, False),
    ],
)
def test_open_verdicts_are_inside_where_the_interval_is_open(
    tmp_path: Path, verdict: Verdict, low: float, high: float, inside: bool
) -> None:
    estimate = SimpleNamespace(low=low, high=high)
    cell = RecordedCell("s0", "paraphrase")
    one = Compared("a", cell, (32, 100, 200, 400), verdict, 1, verdict, estimate, 1)  # type: ignore
    assert one.inside is inside


def test_a_study_records_what_is_missing_once(world: Path, tmp_path: Path) -> None:
    cell, path = open_cell(world, "polarity_short"), tmp_path / "a.jsonl"

    def recorder() -> Recorder:
        known = recorded(Journal(path))
        found = known[0] if known else RecordedCell(cell.name, cell.task)
        return Recorder(
            cell, FINETUNE, SubspaceConfig(), AdamW(weight_decay=0.0), found, Journal(path)
        )

    first = recorder()
    first.prepare()
    question = first.known.question()
    assert question is not None
    assert [len(curve) for curve in first.known.full] == [FINETUNE.epochs] * 3
    probe = Probe(64, 1, question.rates.at(64)[0])
    made = first.probe(probe, question)
    assert len(made.curve) == EPOCHS
    written = path.read_bytes()
    again = recorder()
    again.prepare()
    assert again.probe(probe, question) == made and path.read_bytes() == written
    assert recorded(Journal(path))[0].tokens > 0


def test_totals_are_printed_by_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [journal(tmp_path / f"seed{n}.jsonl", rows("s0", seeds=6)) for n in range(2)]
    monkeypatch.setattr(sys, "argv", ["search_real", "replay", *map(str, paths)])
    search_real.main()
    printed = capsys.readouterr().out
    assert "seed0: 1 cells" in printed and "seed1: 1 cells" in printed and "all: 2" in printed
