from __future__ import annotations

import pytest

from pipeline.common.status import SearchEnd
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.verdict import Verdict, conclude
from tests.dimension.test_search import asked

QUESTION = asked((10, 20, 30), (1e-3, 1e-2))
RECORDS = {
    record.probe: record
    for record in (
        Record(Probe(10, 0, 1e-3), (0.6,)),
        Record(Probe(20, 0, 1e-3), (0.76,)),
        Record(Probe(20, 0, 1e-2), (0.79,)),
        Record(Probe(30, 0, 1e-2), (0.85,)),
    )
}


def concluded(bracket: tuple[int, int] | None, records: dict[Probe, Record]) -> Verdict:
    return conclude(QUESTION, records, SearchEnd.SETTLED, bracket)


@pytest.mark.parametrize(
    ("bracket", "d90", "lower"),
    [((0, 1), 20, 10), ((-1, 0), 10, None), ((2, 3), None, 30), (None, None, None)],
)
def test_the_papers_number_is_the_upper_end_of_the_bracket(bracket, d90, lower):
    verdict = concluded(bracket, RECORDS)
    assert (verdict.d90_paper, verdict.lower) == (d90, lower)
    assert verdict.probes == tuple(RECORDS)


def test_the_winner_is_the_best_training_at_the_papers_d90():
    assert concluded((0, 1), RECORDS).winner == Probe(20, 0, 1e-2)


def test_where_the_paper_has_no_number_it_is_the_best_at_the_smallest_d_that_reached():
    assert concluded(None, RECORDS).winner == Probe(20, 0, 1e-2)
    missed = {probe: record for probe, record in RECORDS.items() if probe.d == 10}
    assert concluded((2, 3), missed).winner is None


def test_what_broke_down_before_the_target_wins_nothing():
    broken = Record(Probe(20, 0, 1e-2), (0.7,), Ending.DIVERGED)
    assert concluded((0, 1), {**RECORDS, broken.probe: broken}).winner == Probe(20, 0, 1e-3)
