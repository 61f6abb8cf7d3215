from __future__ import annotations

import pytest

from pipeline.dimension.ahead import sure
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS, Strategy
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.search import BinarySearch
from tests.dimension.test_search import asked, hidden

QUESTION = asked((10, 20, 30, 40, 50), (1e-3, 1e-2), seeds=3)


@pytest.mark.parametrize("protocol", ["paper", "sweep"])
@pytest.mark.parametrize("seed", range(5))
def test_what_is_sure_is_asked_for_whatever_comes(protocol: str, seed: int) -> None:
    strategy = PROTOCOLS[protocol](QUESTION, EfficientConfig())
    records: dict[Probe, Record] = {}
    said: list[list[Probe]] = []
    order: list[Probe] = []
    while isinstance(probe := strategy.search.next(records), Probe):
        said.append(list(sure(strategy, QUESTION, records, probe)))
        order.append(probe)
        records[probe] = hidden(seed)(probe)
    for place, probes in enumerate(said):
        assert probes == order[place : place + len(probes)]
    # A d's rates and seeds at a time, or the whole sweep.
    assert len(said[0]) == (6 if protocol == "paper" else 30) and len(said[1]) == len(said[0]) - 1


def test_nothing_is_sure_where_a_training_that_reaches_saves_others() -> None:
    strategy = Strategy(BinarySearch(QUESTION))
    assert len(list(sure(strategy, QUESTION, {}, Probe(30, 0, 1e-3)))) == 1


def test_nothing_trains_ahead_where_its_end_depends_on_others() -> None:
    strategy = PROTOCOLS["efficient"](asked((10, 20, 30)), EfficientConfig())
    probe = strategy.search.next({})
    assert isinstance(probe, Probe)
    assert not list(sure(strategy, asked((10, 20, 30)), {}, probe))
