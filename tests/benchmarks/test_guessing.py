from __future__ import annotations

import pytest

from benchmarks.guessing import Workers, spread
from benchmarks.simulated_cell import Job
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.record import Probe

A, B = ((Probe(d, 0, 0.1), length) for d, length in ((10, 3), (20, 5)))


def test_time_goes_by_for_all_who_train() -> None:
    workers = Workers(2)
    workers.start(A)
    workers.start(B)
    workers.go_on()
    assert (workers.now, workers.spent, workers.done) == (3, 6, {A})
    workers.start(A)
    assert workers.ends == {B: 5}
    workers.go_on()
    assert (workers.now, workers.spent, workers.done) == (5, 8, {A, B})


def test_what_is_asked_for_takes_the_place_of_a_guess() -> None:
    workers = Workers(1)
    workers.start(B)
    workers.drop(keep=B)
    assert B in workers.ends
    workers.drop(keep=A)
    assert not workers.ends


@pytest.mark.parametrize("count", [1, 2])
def test_a_guess_changes_the_time_and_not_the_search(count: int) -> None:
    job = Job("mrpc", 3, 0.0, 3.0, EfficientConfig(budget=1.0))
    found = spread(job.problem(), job.config, count)
    assert found.time <= found.alone <= found.work
    assert (found.time == found.work == found.alone) == (count == 1)
