from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.status import Status
from pipeline.dimension.binomial import binomial_error
from pipeline.dimension.efficient import EfficientSearch
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.question import Near, Question
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.status import reaches
from tests.dimension.test_search import TARGET, grids, run, step, trained

RATES = (1e-3, 5e-3, 1e-2, 3e-2)
GRID = tuple(range(10, 130))


def noisy(seed: int):
    """A world without any order, some of whose passes are single lucky epochs."""

    def record(probe: Probe) -> Record:
        toss = random.Random(f"{seed} {probe}")
        metric = toss.choice([0.7, 0.74, 0.75, 0.8])
        return trained(probe, metric, toss.random() < 1 / 8, proven=toss.random() < 0.7)

    return record


def chances(rows: int, chance: float, target: float) -> dict[str, float]:
    """What a question says of chance and of noise, for accuracy on so many examples."""
    return {
        "chance": chance,
        "chance_error": binomial_error(chance, rows),
        "target_error": binomial_error(target, rows),
    }


@st.composite
def questions(draw) -> Question:
    grid = tuple(draw(grids))
    rates = draw(st.sampled_from([(1e-2,), RATES, (3e-2, 1e-3)]))
    seeds = draw(st.sampled_from([1, 2, 3]))
    d90 = draw(st.none() | st.integers(1, 10**6))
    near = Near(d90, draw(st.sampled_from([None, 1e-2, 7.0])))
    slope = draw(st.sampled_from([0.0, -0.5]))
    majority, rows = draw(st.sampled_from([(0.0, 1), (0.5, 1000), (0.72, 1000), (0.72, 50)]))
    near = draw(st.sampled_from([None, near]))
    return Question(
        grid, TARGET, rates, seeds, near=near, rate_slope=slope, **chances(rows, majority, TARGET)
    )


configs = st.builds(
    EfficientConfig, confirm=st.booleans(), neighbour=st.booleans(), skip_rates=st.booleans(),
    carry_rate=st.booleans(), scale_rate=st.booleans(),
)  # fmt: skip
worlds = st.integers(0, 1000).map(noisy)


@given(questions(), configs, worlds)
def test_a_walk_ends_and_never_repeats_a_probe(question, config, world):
    search = EfficientSearch(question, config)
    verdict, fresh = run(search, world)
    assert len(set(fresh)) == len(fresh) <= search.most_probes()
    assert list(verdict.probes) == fresh


@given(questions(), configs, worlds)
def test_the_bracket_is_really_probed_and_verified(question, config, world):
    verdict, fresh = run(EfficientSearch(question, config), world)
    scores = {probe: world(probe).score(TARGET) for probe in fresh}

    def rates_at(d: int, seed: int) -> dict[float, float]:
        return {p.learning_rate: scores[p] for p in fresh if (p.d, p.seed) == (d, seed)}

    if verdict.d90 is not None:
        assert verdict.winner.d == verdict.d90 and reaches(scores[verdict.winner], TARGET)
        assert verdict.d90 == question.grid[0] or verdict.lower is not None
    if verdict.lower is not None:
        position = question.grid.index(verdict.lower)
        assert verdict.d90 is None or question.grid[position + 1] == verdict.d90
        tried = [rates_at(verdict.lower, seed) for seed in range(question.seeds)]
        missing = [rates for rates in tried if rates and not reaches(max(rates.values()), TARGET)]
        if not missing:
            # The one way out: a lucky pass, refuted by a second seed with the rate that passed.
            refuting = rates_at(verdict.lower, 1)
            assert config.confirm and question.seeds == 1, "the lower end never missed"
            assert max(refuting.values()) < TARGET and set(refuting) <= set(tried[0])
        order = sorted(question.learning_rates)
        for rates in missing:
            best = order.index(max(rates, key=lambda rate: rates[rate]))
            assert set(order[max(best - 1, 0) : best + 2]) <= set(rates)
            if verdict.lower == question.grid[-1]:
                assert set(rates) == set(order)


@given(questions(), configs, worlds, st.data())
def test_any_part_of_the_journal_in_any_order_resumes_it(question, config, world, data):
    search = EfficientSearch(question, config)
    verdict, fresh = run(search, world)
    kept = data.draw(st.permutations(fresh))[: data.draw(st.integers(0, len(fresh)))]
    other = Probe(question.grid[0], 9, 1e-2)
    again, rest = run(search, world, {probe: world(probe) for probe in [other, *kept]})
    assert again == verdict
    assert sorted(rest) == sorted(set(fresh) - set(kept))


@given(questions(), configs, st.integers(1, 10**6))
def test_a_monotone_world_gives_what_brute_force_gives(question, config, threshold):
    search = EfficientSearch(question, config)
    verdict, fresh = run(search, step(threshold))
    reaching = [d for d in question.grid if d >= threshold]
    missing = [d for d in question.grid if d < threshold]
    assert verdict.d90 == (reaching[0] if reaching else None)
    assert verdict.lower == (missing[-1] if missing else None)
    assert len(fresh) <= search.most_probes()


def probed(near: Near | None, threshold: int = 70, **changes: bool) -> set[int]:
    question = Question(GRID, TARGET, RATES, near=near)
    _, fresh = run(EfficientSearch(question, EfficientConfig(**changes)), step(threshold))
    return {probe.d for probe in fresh}


@pytest.mark.parametrize("near", [Near(None, None), Near(72, 3e-2)])
def test_without_the_switch_nothing_is_taken_from_a_neighbour(near):
    config = EfficientConfig(neighbour=False)
    plain, told = (
        run(EfficientSearch(Question(GRID, TARGET, RATES, near=one), config), step(70))[1]
        for one in (None, near)
    )
    assert told == plain


def test_a_near_neighbour_leaves_far_dimensions_unprobed():
    assert all(abs(d - 70) <= 16 for d in probed(Near(72, 1e-2)))
    assert max(abs(d - 70) for d in probed(None)) > 20
    assert probed(Near(72, 1e-2), neighbour=False) == probed(None)


@pytest.mark.parametrize("claimed", [None, 10, 40, 129])
def test_a_neighbour_that_is_far_off_costs_probes_but_not_the_verdict(claimed):
    question = Question(GRID, TARGET, RATES, near=Near(claimed, 1e-2))
    verdict, _ = run(EfficientSearch(question, EfficientConfig()), step(70))
    assert (verdict.d90, verdict.lower) == (70, 69)


def best_at(rate: float):
    def world(probe: Probe) -> Record:
        return trained(probe, 0.8 if probe.learning_rate == rate and probe.d >= 50 else 0.7)

    return world


def test_the_rate_that_reached_is_carried_to_other_dimensions():
    question = Question(GRID, TARGET, RATES, near=Near(60, 5e-3))
    _, fresh = run(EfficientSearch(question, EfficientConfig()), best_at(5e-3))
    at_low = {probe.learning_rate for probe in fresh if probe.d == 49}
    assert at_low == {1e-3, 5e-3, 1e-2}
    assert {probe.learning_rate for probe in fresh if probe.d != 49} == {5e-3}


def test_of_two_rates_beside_the_best_the_larger_comes_first():
    question = Question(GRID, TARGET, RATES, near=Near(60, 5e-3))
    _, fresh = run(EfficientSearch(question, EfficientConfig()), best_at(5e-3))
    assert [probe.learning_rate for probe in fresh if probe.d == 49] == [5e-3, 1e-2, 1e-3]


def test_a_carried_rate_follows_the_power_of_d():
    question = Question((10, 100, 1000), TARGET, (1e-3, 1e-2, 1e-1), near=Near(100, 1e-2))
    question = replace(question, rate_slope=-1.0)
    for config, at_10 in ((EfficientConfig(), 1e-1), (EfficientConfig(scale_rate=False), 1e-2)):
        _, fresh = run(EfficientSearch(question, config), lambda probe: trained(probe, 0.8))
        assert [probe.learning_rate for probe in fresh if probe.d == 10] == [at_10]


def test_the_best_rate_so_far_is_the_rival_and_a_smaller_one_has_longer():
    search = EfficientSearch(Question(GRID, TARGET, RATES, epochs=10), EfficientConfig())
    seen = {
        Probe(50, 0, 3e-2): Record(Probe(50, 0, 3e-2), (0.6,)),
        Probe(50, 0, 5e-3): Record(Probe(50, 0, 5e-3), (0.6, 0.7)),
        Probe(50, 1, 1e-2): Record(Probe(50, 1, 1e-2), (0.74,)),
    }
    larger, smaller = (search.rule(Probe(50, 0, rate), seen) for rate in (1e-2, 1e-3))
    assert larger.rival == smaller.rival == (0.6, 0.7)
    assert smaller.slower and not larger.slower
    assert search.rule(Probe(51, 0, 1e-2), seen).rival == ()
    lone = EfficientSearch(Question(GRID, TARGET, RATES), EfficientConfig(race=False))
    assert lone.rule(Probe(50, 0, 1e-2), seen).rival == ()


@pytest.mark.parametrize(
    "other",
    [
        Record(Probe(50, 0, 5e-3), (0.74,), Ending.DIVERGED),
        Record(Probe(50, 0, 5e-3), (0.8,)),
    ],
)
def test_a_training_that_broke_down_or_reached_is_no_rival(other):
    search = EfficientSearch(Question(GRID, TARGET, RATES, epochs=10), EfficientConfig())
    assert search.rule(Probe(50, 0, 1e-2), {Probe(50, 0, 5e-3): other}).rival == ()


def test_without_carrying_all_rates_are_tried_from_the_smallest_on():
    question = Question((10, 100), TARGET, RATES, near=Near(100, 3e-2), rate_slope=-0.5)
    _, fresh = run(EfficientSearch(question, EfficientConfig(carry_rate=False)), step(1000))
    assert [probe.learning_rate for probe in fresh if probe.d == 100] == list(RATES)


def test_a_pass_seen_by_the_first_seeds_search_is_not_forgotten_by_that_of_all():
    question = Question((10, 40), TARGET, (1e-3, 1e-2), seeds=3, rate_slope=-0.5)

    def world(probe: Probe) -> Record:
        return trained(
            probe, 0.8 if probe.learning_rate == (1e-3 if probe.seed == 0 else 1e-2) else 0.7
        )

    verdict, _ = run(EfficientSearch(question, EfficientConfig()), world)
    assert verdict.d90 == 10


def test_further_seeds_do_not_start_at_the_largest_dimension_after_a_neighbour_without_any():
    question = Question(GRID, TARGET, (1e-2,), seeds=3, near=Near(None, None))
    _, fresh = run(EfficientSearch(question, EfficientConfig()), step(40))
    assert GRID[-1] not in {probe.d for probe in fresh}


def test_where_the_neighbour_reached_nowhere_a_first_miss_is_followed_by_the_largest_dimension():
    question = Question(GRID, TARGET, RATES, near=Near(None, None))
    verdict, fresh = run(
        EfficientSearch(question, EfficientConfig()), lambda probe: trained(probe, 0.7)
    )
    middle = GRID[(len(GRID) - 1) // 2]
    assert verdict.status is Status.NOT_REACHED
    assert list(dict.fromkeys(probe.d for probe in fresh)) == [middle, GRID[-1]]
    verdict, fresh = run(EfficientSearch(question, EfficientConfig()), step(70))
    assert verdict.d90 == 70 and middle < 70
    verdict, fresh = run(EfficientSearch(question, EfficientConfig()), step(20))
    assert verdict.d90 == 20 and GRID[-1] not in {probe.d for probe in fresh}


def test_a_neighbour_found_wrong_is_no_guide_any_more():
    """The plain halving from there on: no third d is tried beside the claimed one."""
    question = Question(GRID, TARGET, (1e-2,), near=Near(120, 1e-2))
    verdict, fresh = run(EfficientSearch(question, EfficientConfig()), step(30))
    assert verdict.d90 == 30 and len({probe.d for probe in fresh if probe.d > 80}) <= 5


@pytest.mark.parametrize("rate", RATES)
def test_a_wrong_carried_rate_is_found_out_where_it_matters(rate):
    scores = {1e-3: 0.6, 5e-3: 0.62, 1e-2: 0.64, 3e-2: 0.66}
    if RATES.index(rate) < 2:
        scores = dict(zip(RATES, reversed(list(scores.values())), strict=True))
    scores[rate] = 0.7

    def world(probe: Probe) -> Record:
        good = probe.learning_rate == rate and probe.d >= 50
        return trained(probe, 0.8 if good else scores[probe.learning_rate])

    question = Question(GRID, TARGET, RATES, near=Near(60, 1e-2))
    verdict, _ = run(EfficientSearch(question, EfficientConfig()), world)
    assert (verdict.d90, verdict.lower) == (50, 49)


@pytest.mark.parametrize(("second", "d90"), [(0.8, 50), (0.7, 51)])
def test_a_lucky_epoch_needs_a_second_seed(second, d90):
    def world(probe: Probe) -> Record:
        if probe.d == 50 and probe.seed == 0:
            return trained(probe, 0.75, proven=False)
        return trained(probe, 0.8 if probe.d > 50 else 0.7 if probe.seed == 0 else second)

    question = Question(GRID, TARGET, (1e-2,), near=Near(52, 1e-2), **chances(600, 0.0, TARGET))
    verdict, fresh = run(EfficientSearch(question, EfficientConfig()), world)
    assert (verdict.status, verdict.d90, verdict.lower) == (Status.OK, d90, d90 - 1)
    assert Probe(50, 1, 1e-2) in fresh
    trusting, _ = run(EfficientSearch(question, EfficientConfig(confirm=False)), world)
    assert trusting.d90 == 50


def test_further_seeds_start_from_the_firsts_bracket():
    question = Question(GRID, TARGET, (1e-2,), seeds=3)
    _, fresh = run(EfficientSearch(question, EfficientConfig()), step(70))
    assert all(abs(probe.d - 70) <= 16 for probe in fresh if probe.seed > 0)
    assert {probe.d for probe in fresh if probe.seed > 0} >= {69, 70}


@pytest.mark.parametrize("wrong", [{"eval_rows": 0}, {"max_steps": 0}])
def test_impossible_levers_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(EfficientConfig(), **wrong)


def test_no_training_at_the_largest_dimension_is_called_hopeless():
    question = Question((10, 100, 1000), 0.9, (1e-2,), epochs=10, **chances(1000, 0.5, 0.9))
    search = EfficientSearch(question, EfficientConfig())
    plateau = [0.84] * 9
    assert search.rule(Probe(100, 0, 1e-2), {})(plateau)
    assert not search.rule(Probe(1000, 0, 1e-2), {})(plateau)


def test_a_discredited_rates_misses_are_not_gone_through_one_by_one():
    """All misses of the first rate are believed until the bracket is checked; then none is."""
    grid = tuple(10 + index for index in range(64))
    question = Question(grid, 0.9, (1e-3, 1e-2), epochs=1, **chances(10_000, 0.5, 0.9))

    def record(probe: Probe) -> Record:
        # The small rate reaches in the grid's middle only, the large one from d = 15 on.
        middle = probe.d == grid[31]
        reached = middle if probe.learning_rate == 1e-3 else probe.d >= 15
        return Record(probe, (0.95 if reached else 0.7,))

    search, records = EfficientSearch(question, EfficientConfig(skip_rates=True)), {}
    while isinstance(probe := search.next(records), Probe):
        records[probe] = record(probe)
    assert probe.d90 == 15
    assert len({one.d for one in records}) <= 14


def test_where_nothing_is_learned_the_largest_dimension_is_tried_next():
    question = Question(GRID, TARGET, RATES, epochs=1, **chances(1000, 0.5, TARGET))
    verdict, fresh = run(
        EfficientSearch(question, EfficientConfig()), lambda probe: trained(probe, 0.5)
    )
    assert verdict.status is Status.NOT_REACHED
    middle = GRID[(len(GRID) - 1) // 2]
    assert [(probe.d, probe.learning_rate) for probe in fresh[:2]] == [(middle, 5e-3), (129, 5e-3)]
    assert {probe.learning_rate for probe in fresh[1:]} == set(RATES) and len(fresh) == 5


def test_a_first_guess_that_learns_but_misses_is_compared_at_once():
    question = Question(GRID, TARGET, RATES, epochs=1, **chances(1000, 0.5, TARGET))
    _, fresh = run(EfficientSearch(question, EfficientConfig()), best_at(1e-2))
    assert [probe.learning_rate for probe in fresh[:2]] == [5e-3, 1e-2]
    assert fresh[0].d == fresh[1].d and {probe.learning_rate for probe in fresh[2:-2]} == {1e-2}
