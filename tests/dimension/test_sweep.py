from __future__ import annotations

from pipeline.dimension.record import Probe
from pipeline.dimension.sweep import Sweep
from tests.dimension.test_search import asked, run, step, trained

QUESTION = asked((10, 20, 30), (1e-3, 1e-2), seeds=2)


def test_everything_is_probed_once():
    search = Sweep(QUESTION)
    verdict, fresh = run(search, step(20))
    assert len(set(fresh)) == len(fresh) == 12
    assert (verdict.d90_paper, verdict.lower, verdict.probes) == (20, 10, tuple(fresh))


def test_the_smallest_dimension_that_reaches_counts_even_where_a_larger_one_misses():
    verdict, _ = run(Sweep(QUESTION), lambda probe: trained(probe, 0.8 if probe.d == 20 else 0.7))
    assert (verdict.d90_paper, verdict.lower) == (20, 10)


def test_a_sweep_that_never_reaches_is_a_result():
    verdict, _ = run(Sweep(QUESTION), step(31))
    assert (verdict.d90_paper, verdict.lower) == (None, 30)


def test_more_than_half_of_the_seeds_must_reach():
    world = lambda probe: trained(probe, 0.8 if probe.seed == 0 else 0.7)  # noqa: E731
    assert run(Sweep(QUESTION), world)[0].d90_paper is None


def test_one_learning_rate_that_reaches_is_enough():
    world = lambda probe: trained(probe, 0.8 if probe.learning_rate == 1e-3 else 0.7)  # noqa: E731
    assert run(Sweep(QUESTION), world)[0].winner == Probe(10, 0, 1e-3)
