from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest

from pipeline.dimension.record import Ending, Probe
from pipeline.dimension.stopping import never
from pipeline.probes.search import Search
from pipeline.workers.board import Board, Expected

START = "Running stage '{}' ({} of 9 done): python -m stages.x"


def started(*names: str) -> Board:
    board = Board(jobs=2)
    for name in names:
        assert board.hear(START.format(name, 0), 10.0) == []
    return board


def test_the_board_follows_stages_from_their_start_to_their_end() -> None:
    board = started("search@a", "baseline@b")
    assert (list(board.running), board.done, board.total) == (["search@a", "baseline@b"], 0, 9)
    assert board.hear("[search@a] going on", 12.0) == []
    assert list(board.running["search@a"].lines) == ["going on"]
    assert board.hear("Stage 'search@a' took 5 s", 15.0) == []
    assert (list(board.running), board.done) == (["baseline@b"], 1)


def test_a_search_tells_its_probes_and_how_near_they_came(caplog: pytest.LogCaptureFixture) -> None:
    """The very lines that a search logs."""
    record = SimpleNamespace(metric=-0.125, curve=(0.1, -0.125), ended=Ending.REACHED)
    runner = SimpleNamespace(known=lambda *_: None, run=lambda *_: record)
    question = SimpleNamespace(evaluations=8, target=0.75)
    search = Search(runner, None, question, None)  # type: ignore[arg-type]
    board = started("search@a")
    with caplog.at_level(logging.INFO):
        for d in (64, 2048):
            search._train(Probe(d, 0, 0.5), never)
    for line in caplog.messages:
        assert board.hear(f"[search@a] {line}", 11.0) == []
    one = board.running["search@a"]
    assert (one.probes, one.d, one.metric, one.target) == (2, 2048, -0.125, 0.75)


@pytest.mark.parametrize(
    "end", ["Stage 'search@a' failed after 3 s", "After 3 s stage 'search@a' ran out of memory"]
)
def test_a_stage_that_failed_is_told_with_its_last_lines(end: str) -> None:
    board = started("search@a")
    board.hear("[search@a] error: so it is", 11.0)
    assert board.hear(end, 13.0) == ["[search@a] error: so it is", end]
    assert board.running == {} and board.done == 0


@pytest.mark.parametrize(
    "line", ["graph.yaml was written anew", "Traceback", "[elsewhere] x", "Stage 'other' failed"]
)
def test_whatever_else_is_said_is_seen(line: str) -> None:
    assert started("search@a").hear(line, 11.0) == [line]


def test_time_left_goes_by_the_stages_that_have_ended() -> None:
    expected = Expected({"search": 6, "baseline": 3}, {"search": 4e9, "baseline": 1e9})
    board = started("baseline@1", "baseline@2")
    assert board.seconds_left(expected, 11.0) is None
    board.hear("Stage 'baseline@1' took 10 s", 20.0)
    # A search computes four times as much: 6 · 40 and 1 · 10 s on two jobs; one baseline is due.
    assert board.seconds_left(expected, 20.0) == pytest.approx((240 + 10) / 2)
    board.hear(START.format("search@1", 1), 20.0)
    board.hear("Stage 'baseline@2' took 10 s", 20.0)
    board.hear("Stage 'search@1' took 20 s", 40.0)
    assert board.seconds_left(expected, 40.0) == pytest.approx((5 * 20 + 10) / 2)


def test_time_left_counts_less_where_stages_were_up_to_date() -> None:
    expected = Expected({"search": 6, "baseline": 3}, {"search": 1e9, "baseline": 1e9})
    board = Board(1)
    board.hear(START.format("search@1", 0), 0.0)
    board.hear("Stage 'search@1' took 10 s", 10.0)
    assert board.seconds_left(expected, 10.0) == pytest.approx(80)
    board.hear(START.format("search@2", 5), 10.0)
    assert board.seconds_left(expected, 14.0) == pytest.approx(30 + 6)
