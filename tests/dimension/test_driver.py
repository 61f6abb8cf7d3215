from __future__ import annotations

from pipeline.dimension.driver import cut, drive
from pipeline.dimension.protocols import Strategy
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.search import BinarySearch
from pipeline.dimension.stopping import never
from tests.dimension.test_search import asked, step

PROBE = Probe(10, 0, 1e-2)


def test_the_verdict_comes_with_the_records_that_it_rests_on() -> None:
    strategy = Strategy(BinarySearch(asked([10, 20, 30, 40])))
    verdict, records = drive(strategy, lambda probe, stop: step(30)(probe))
    assert verdict.d90_paper == 30 and tuple(records) == verdict.probes
    assert all(records[probe].probe == probe for probe in records)


def test_a_probe_is_trained_under_the_rule_that_knows_the_records_before_it() -> None:
    known: list[int] = []

    def rule(probe, records):
        known.append(len(records))
        return never

    search = BinarySearch(asked([10, 20, 30, 40]))
    _, records = drive(Strategy(search, rule), lambda probe, stop: step(30)(probe))
    assert known == list(range(len(records)))


def test_a_whole_training_is_cut_where_the_rule_ends_it() -> None:
    whole = Record(PROBE, (0.5, 0.6, 0.8))
    assert cut(whole, never) == whole
    short = cut(whole, lambda curve: Ending.REACHED if curve[-1] >= 0.6 else None)
    assert short == Record(PROBE, (0.5, 0.6), Ending.REACHED)
    # One that the rule ends with its last epoch has had them all.
    assert cut(whole, lambda curve: Ending.REACHED if curve[-1] >= 0.8 else None) == whole
