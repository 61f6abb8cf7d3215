from __future__ import annotations

from dataclasses import replace

from pipeline.dimension.question import Near, Question
from pipeline.dimension.rates import CarriedRate
from pipeline.dimension.record import Probe
from tests.dimension.test_search import trained

RATES = (1e-3, 2e-3, 4e-3, 8e-3)
QUESTION = Question((10, 40, 160, 640, 2560), 0.9, RATES, chance=0.5, chance_error=0.0158)


def carried(
    seen: dict[tuple[int, float], float], near: Near | None = None, slope: float = -0.5
) -> CarriedRate:
    records = [trained(Probe(d, 0, rate), score) for (d, rate), score in seen.items()]
    question = replace(QUESTION, near=near, rate_slope=slope)
    return CarriedRate(question, {record.probe: record for record in records})


def test_before_anything_is_known_it_is_the_middle_rate_in_the_grids_middle():
    guess = carried({})
    assert not guess.informed()
    assert guess.at(160) == 2e-3 and guess.at(40) == 4e-3 and guess.at(2560) == 1e-3


def test_rates_follow_the_power_of_d_and_stay_in_the_list():
    rates = carried({(640, 2e-3): 0.95})
    assert rates.informed()
    assert [rates.at(d) for d in QUESTION.grid] == [8e-3, 8e-3, 4e-3, 2e-3, 1e-3]
    assert {carried({(640, 2e-3): 0.95}, slope=0.0).at(d) for d in QUESTION.grid} == {2e-3}


def test_a_neighbours_rate_belongs_to_its_d90():
    near = Near(640, 2e-3)
    assert carried({}, near).informed() and carried({}, near).at(160) == 4e-3
    # It was best there; that one rate reached here says less.
    assert carried({(2560, 4e-3): 0.95}, near).at(640) == 2e-3
    assert carried({(2560, 4e-3): 0.95}).at(640) == 8e-3


def test_a_neighbour_that_reached_nowhere_or_with_a_foreign_rate_says_nothing():
    assert not carried({}, Near(None, None)).informed()
    assert not carried({}, Near(640, 3e-3)).informed()


def test_what_was_compared_nearest_says_most():
    seen = {
        (2560, 1e-3): 0.95,
        (640, 4e-3): 0.7, (640, 2e-3): 0.8,
        (10, 8e-3): 0.6, (10, 4e-3): 0.7,
    }  # fmt: skip
    rates = carried(seen, Near(160, 8e-3))
    assert rates.at(160) == 4e-3 and rates.at(640) == 2e-3 and rates.at(10) == 4e-3


def test_a_comparison_in_which_nothing_was_learned_says_nothing():
    seen = {(640, 8e-3): 0.51, (640, 4e-3): 0.5, (2560, 1e-3): 0.95}
    assert carried(seen).at(640) == 2e-3
