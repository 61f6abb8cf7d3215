"""Which training comes next, and that none of it hangs on anything but the records."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.dimension.belief import belief
from pipeline.dimension.question import Near, Question
from pipeline.dimension.rates import Rates, listed
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.walk import Walk

GRID = tuple(16 * 2**step for step in range(15))
MIDDLE = GRID[7]
QUESTION = Question(
    GRID, 0.8, Rates((1.0,)), full=0.9, evaluations=1, chance=0.5, target_error=0.01
)
RATES = replace(QUESTION, rates=Rates((0.1, 0.3, 1.0)))
LISTED = replace(QUESTION, rates=listed((1e-3, 1e-2, 1e-1), 0.0, GRID))


def walk(records: Mapping[Probe, Record], question: Question = QUESTION) -> Walk:
    return Walk(question, records, belief(question, records.values()))


def record(d: int, metric: float, seed: int = 0, rate: float = 1.0) -> Record:
    return Record(Probe(d, seed, rate), (metric,))


def known(*found: Record) -> dict[Probe, Record]:
    return {one.probe: one for one in found}


def halved(
    world: Callable[[Probe], float], question: Question = QUESTION
) -> tuple[tuple[int, int], dict[Probe, Record]]:
    """Where the halving ends in a world, and what it trained."""
    records: dict[Probe, Record] = {}
    while isinstance(found := walk(records, question).halve(), Probe):
        assert found not in records
        records[found] = Record(found, (world(found),))
    return found, records


def rising(d90: int) -> Callable[[Probe], float]:
    """A metric that rises by 0.09 with each step of the grid, through the target at a d."""

    def metric(probe: Probe) -> float:
        steps = GRID.index(probe.d) - GRID.index(d90)
        return min(max(0.81 + 0.09 * steps, 0.5), 0.9)

    return metric


def test_the_halving_begins_in_the_middle_of_the_grid() -> None:
    assert walk({}).halve() == Probe(MIDDLE, 0, 1.0)


@pytest.mark.parametrize("d90", GRID)
def test_it_ends_where_brute_force_would_with_both_ends_trained(d90: int) -> None:
    (low, high), records = halved(rising(d90))
    assert high == low + 1 and GRID[high] == d90
    trained = {probe.d for probe in records}
    assert d90 in trained and (low < 0 or GRID[low] in trained)


def test_it_trains_seed_0_only_and_no_more_than_the_papers_halving() -> None:
    counts = []
    for d90 in GRID:
        _, records = halved(rising(d90))
        assert {probe.seed for probe in records} == {0}
        counts.append(len(records))
    paper = len(GRID).bit_length()
    assert max(counts) <= paper and sum(counts) < paper * len(GRID)


def test_what_is_sure_to_reach_or_miss_is_taken_for_granted() -> None:
    """Beside a miss and a success no place of the halving needs its training."""
    after = walk(known(record(GRID[4], 0.71), record(GRID[5], 0.81)))
    assert after.known.reaches(MIDDLE, 0.0) > 0.8 > 0.2 > after.known.reaches(GRID[3], 0.0)
    assert after.halve() == (4, 5)
    # Of one vague training nothing of that kind follows.
    assert isinstance(walk(known(record(MIDDLE, 0.79))).halve(), Probe)


def test_a_neighbours_answer_spares_the_places_far_from_it() -> None:
    near = replace(QUESTION, near=Near(float(GRID[11])))
    first = walk({}, near).halve()
    assert isinstance(first, Probe) and first.d > MIDDLE
    counted = [len(halved(rising(GRID[12]), question)[1]) for question in (near, QUESTION)]
    assert counted[0] <= counted[1]


@pytest.mark.parametrize("claimed", [0.0, 20.0, float("inf")])
def test_a_neighbour_far_off_costs_trainings_and_not_the_number(claimed: float) -> None:
    near = replace(QUESTION, near=Near(claimed))
    assert halved(rising(GRID[8]), near)[0] == (7, 8)


def test_further_seeds_never_change_where_the_halving_ends() -> None:
    bracket, records = halved(rising(GRID[8]))
    lucky = known(*(record(GRID[7], 0.88, seed) for seed in (1, 2, 3)))
    unlucky = known(*(record(GRID[8], 0.6, seed) for seed in (1, 2, 3)))
    for more in (lucky, unlucky):
        assert walk({**records, **more}).halve() == bracket


def test_the_likeliest_rate_comes_first() -> None:
    assert walk({}, RATES).halve() == Probe(MIDDLE, 0, 0.3)
    better = known(record(GRID[3], 0.6, rate=1e-2), record(GRID[3], 0.75, rate=1e-3))
    found = walk(better, LISTED).halve()
    assert isinstance(found, Probe) and found.learning_rate == 1e-3


def test_one_rate_that_reached_is_enough() -> None:
    both = known(record(MIDDLE, 0.6, rate=1e-2), record(MIDDLE, 0.83, rate=1e-3))
    found = walk(both, LISTED).halve()
    assert isinstance(found, Probe) and found.d < MIDDLE and found.learning_rate == 1e-3


def test_the_largest_miss_is_tried_with_another_rate_that_may_well_reach() -> None:
    close, clear = (
        known(record(MIDDLE, missed, rate=rate), record(GRID[8], 0.805, rate=rate))
        for missed, rate in ((0.799, 1.0), (0.7, 0.3))
    )
    second = walk(close, RATES).halve()
    assert isinstance(second, Probe) and second.d == MIDDLE and second.learning_rate == 0.3
    assert walk(clear, RATES).halve() == (7, 8)


def test_nothing_lies_beyond_the_grid_while_a_rate_is_left_at_its_end() -> None:
    """The rate that is likeliest to reach may be the one that does not learn."""

    def only(rate: float) -> Callable[[Probe], float]:
        return lambda probe: 0.85 if probe.learning_rate == rate and probe.d == GRID[-1] else 0.5

    end, records = halved(only(0.0), RATES)
    assert end == (14, 15)
    assert {one.learning_rate for one in records if one.d == GRID[-1]} == {0.1, 0.3, 1.0}
    for rate in (0.1, 1.0):
        found, records = halved(only(rate), RATES)
        assert found == (13, 14) and Probe(GRID[-1], 0, rate) in records


def test_the_most_telling_training_is_a_new_seed_near_d90() -> None:
    _, records = halved(rising(GRID[8]))
    first = walk(records).most_telling()
    assert first is not None and first not in records and first.seed == 1
    assert first.d in GRID[6:10]
    again = {**records, first: Record(first, (rising(GRID[8])(first),))}
    second = walk(again).most_telling()
    assert second is not None and second not in again
    assert second.seed == (2 if second.d == first.d else 1)


def test_where_nothing_more_is_to_be_told_there_is_no_further_training() -> None:
    # With three steps to 0.9 on both sides the place between 128 and 256 is settled.
    sharp = replace(QUESTION, target_error=0.0, grid=(16, 1024, 65_536))
    seen = known(record(16, 0.5), record(1024, 0.5), record(65_536, 0.5))
    more = {Probe(65_536, seed, 1.0): record(65_536, 0.5, seed) for seed in range(1, 9)}
    assert walk({**seen, **more}, sharp).most_telling() is None


def test_the_walk_fits_on_a_page() -> None:
    """No more than 80 lines of code, without docstrings and empty lines."""
    source = Path("pipeline/dimension/walk.py").read_text()
    (made,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef))
    documented = [made, *(node for node in made.body if isinstance(node, ast.FunctionDef))]
    docstrings = {
        line
        for node in documented
        if ast.get_docstring(node) is not None
        for line in range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1)
    }
    lines = source.splitlines()
    code = [
        number
        for number in range(made.lineno, (made.end_lineno or 0) + 1)
        if lines[number - 1].strip() and number not in docstrings
    ]
    assert len(code) <= 80
