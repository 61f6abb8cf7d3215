from __future__ import annotations

import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import search_protocols
from benchmarks.search_protocols import agreement, precision, stopped
from benchmarks.simulated_cell import Job, Outcome, Stops, holds, number, outcome, place, stops
from pipeline.common.status import SearchEnd
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.rates import DEFAULT_RATES
from pipeline.dimension.verdict import Verdict

GRID = (100, 200, 400)
ROW = Outcome(
    task="mrpc", number=1, estimated=1, paper=1, again=3, off=(0.0, 0.5, 0.0), inside=True,
    ratio=2.0, probes=5, epochs=20, paper_epochs=200, ended=SearchEnd.PRECISION,
    stops=Stops((False, True), (5,)),
)  # fmt: skip


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_places_are_those_of_the_next_d_of_the_grid() -> None:
    assert [place(GRID, value) for value in (7, 100, 101, 400, 401, math.inf)] == [0, 0, 1, 2, 3, 3]


def test_a_number_is_one_past_the_grid_where_its_largest_d_missed() -> None:
    end = SearchEnd.SETTLED
    assert number(GRID, Verdict(end, d90_paper=200, lower=100)) == 1
    assert number(GRID, Verdict(end, lower=400)) == 3
    assert number(GRID, Verdict(end)) is None


def test_an_interval_beyond_the_grid_holds_a_truth_beyond_it() -> None:
    assert holds(GRID, 150, 100, 200) and not holds(GRID, 250, 100, 200)
    assert holds(GRID, math.inf, 300, 500) and not holds(GRID, math.inf, 300, 399)
    assert holds(GRID, 20, 50, 300) and not holds(GRID, 20, 100, 300)


def test_a_cell_is_searched_under_the_same_luck_again() -> None:
    job = Job("mnli", 400_003, 0.0, 2.0, EfficientConfig())
    found = outcome(job)
    assert found == outcome(job)
    assert found.epochs < found.paper_epochs and found.paper_epochs % 40 == 0
    assert found.inside and found.ratio > 1 and found.probes > 1
    assert job.step == pytest.approx(math.log10(2))
    assert replace(job, ratio=None).step == pytest.approx(math.log10(1.1575), abs=1e-3)


def test_a_study_searches_relative_rates_with_four_evaluations_an_epoch() -> None:
    job = Job("mnli", 400_003, 0.0, 2.0, EfficientConfig(), relative=True)
    problem = job.problem()
    assert problem.question.evaluations == problem.curves.shape[-1] == 40
    # The paper's protocol sees the same trainings after each whole epoch, with a rate more.
    papers = job.papers(problem)
    assert papers.question.evaluations == 10
    assert np.array_equal(
        papers.curves, problem.curves[..., [3, 7, 11, 15, 19, 23, 27, 31, 35, 39]]
    )
    asked = job.searched(problem.question).rates.multiples
    assert asked == DEFAULT_RATES == papers.question.rates.multiples[:-1]
    found = outcome(job)
    assert found.paper_epochs % 40 == 0 and 1 < found.epochs < found.paper_epochs
    assert found.epochs % 0.25 == 0
    assert all(saved <= 9.75 for saved in found.stops.saved)


def test_trainings_near_d90_show_false_stops() -> None:
    problem = Job("mnli", 400_003, 0.0, None, EfficientConfig()).problem()
    never = replace(problem, curves=np.zeros_like(problem.curves))
    assert stops(never).lost == () and min(stops(never).saved) > 0
    # What waits for nine epochs and reaches with the tenth is lost.
    late = np.zeros_like(problem.curves)
    late[..., -1] = 1
    found = stops(replace(problem, curves=late))
    assert found.saved == () and all(found.lost)


def test_what_is_not_determined_disagrees_and_has_no_distance() -> None:
    other = replace(ROW, number=None, estimated=3, off=(None, 40.0, 1.0), epochs=40)
    assert cells(agreement("all", [ROW, other])) == [
        "all", "2", "0.500", "1", "0.500", "0.000", "0.000", "10.250", "0.500",
    ]  # fmt: skip
    assert cells(agreement("all", [other]))[6] == "–"


def test_tokens_weigh_cells_by_their_rows() -> None:
    large = replace(ROW, task="mnli", epochs=100, ended=SearchEnd.BUDGET, inside=False, ratio=4.0)
    found = cells(precision("all", [ROW, large]))
    assert found[1:7] == ["0.500", "3.00", "5.0", "60.0", "200", "1/3.33"]
    assert found[7].startswith("1/2.0") and found[8:] == ["0.50", "0.50", "0.00", "0.00"]
    assert cells(stopped("all", [ROW, large])) == ["all", "4", "0.500", "2", "5.000"]


def test_the_tables_are_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--cells", "1", "--first", "400003", "--ratio", "2", "--jobs", "1"]
    monkeypatch.setattr(sys, "argv", ["search_protocols", *arguments])
    search_protocols.main()
    printed = capsys.readouterr().out
    assert "seeds from 400003" in printed and "steps of 2.000" in printed
    assert printed.count("| all |") == 3 and printed.count("| mnli |") == 3
