from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.common.status import SearchEnd
from pipeline.common.target import reaches
from pipeline.dimension.question import Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.search import BinarySearch
from pipeline.dimension.verdict import Verdict

TARGET = 0.75
World = Callable[[Probe], Record]

grids = st.lists(st.integers(1, 10**6), min_size=1, max_size=200, unique=True).map(sorted)


def asked(grid: Sequence[int], rates: Sequence[float] = (1e-2,), seeds: int = 1) -> Question:
    """A question about a grid, with the same learning rates at every d."""
    return Question(tuple(grid), TARGET, Rates(tuple(rates)), seeds=seeds)


def trained(probe: Probe, metric: float, diverged: bool = False) -> Record:
    """A training that came to a metric; one that ``diverged`` did not reach the target before."""
    best = min(metric, 0.7) if diverged else metric
    return Record(probe, (best,), Ending.DIVERGED if diverged else Ending.COMPLETE)


def hidden(seed: int) -> World:
    """A world without any order: every probe is a coin toss, one in eight diverges."""

    def record(probe: Probe) -> Record:
        toss = random.Random(f"{seed} {probe}")
        return trained(probe, toss.choice([0.7, 0.74, 0.75, 0.8]), diverged=toss.random() < 1 / 8)

    return record


def step(threshold: int) -> World:
    return lambda probe: trained(probe, 0.8 if probe.d >= threshold else 0.7)


def run(
    search: BinarySearch, world: World, known: Mapping[Probe, Record] | None = None
) -> tuple[Verdict, list[Probe]]:
    """Drive a search to its verdict; also return the probes that really had to run."""
    records, fresh = dict(known or {}), []
    while isinstance(answer := search.next(records), Probe):
        assert answer not in records, "a probe was asked for twice"
        records[answer] = world(answer)
        fresh.append(answer)
    return answer, fresh


@st.composite
def searches(draw):
    question = asked(
        draw(grids),
        draw(st.sampled_from([(1e-2,), (1e-3, 5e-3, 1e-2, 3e-2)])),
        draw(st.sampled_from([1, 2, 3, 5])),
    )
    return BinarySearch(question, draw(st.booleans()))


def majority_reaches(records: Mapping[Probe, Record], d: int, seeds: int) -> bool:
    best: dict[int, float] = {}
    for probe, record in records.items():
        if probe.d == d and record.ended is not Ending.DIVERGED:
            best[probe.seed] = max(best.get(probe.seed, 0.0), record.metric)
    return 2 * sum(metric >= TARGET for metric in best.values()) > seeds


@given(grids, st.data())
def test_a_monotone_world_gives_what_brute_force_gives(grid, data):
    threshold = data.draw(st.sampled_from([*grid, grid[-1] + 1]) | st.integers(1, 10**6))
    verdict, probes = run(BinarySearch(asked(grid)), step(threshold))
    reaching = [d for d in grid if d >= threshold]
    missing = [d for d in grid if d < threshold]
    assert verdict.d90_paper == (reaching[0] if reaching else None)
    assert verdict.lower == (missing[-1] if missing else None)
    assert len(probes) <= len(grid).bit_length()


@pytest.mark.parametrize("size", [1, 2, 3, 63, 64, 74, 127, 128])
def test_a_search_costs_no_more_than_a_binary_search_must(size):
    grid = range(1, size + 1)
    search = BinarySearch(asked(grid))
    counts = [len(run(search, step(threshold))[1]) for threshold in range(1, size + 2)]
    assert max(counts) == size.bit_length()


@given(grids, st.integers(0, 1000), st.sampled_from([1, 3]))
def test_both_ends_of_the_final_bracket_are_really_probed(grid, seed, seeds):
    search = BinarySearch(asked(grid, (1e-3, 1e-2), seeds))
    verdict, probes = run(search, hidden(seed))
    records = {probe: hidden(seed)(probe) for probe in probes}
    if verdict.d90_paper is not None:
        assert majority_reaches(records, verdict.d90_paper, seeds)
        position = grid.index(verdict.d90_paper)
        assert verdict.lower == (grid[position - 1] if position else None)
    else:
        assert verdict.lower == grid[-1]
    if verdict.lower is not None:
        assert any(probe.d == verdict.lower for probe in probes)
        assert not majority_reaches(records, verdict.lower, seeds)


@given(searches(), st.integers(0, 1000), st.data())
def test_resuming_from_any_part_of_the_journal_changes_nothing(search, seed, data):
    world = hidden(seed)
    verdict, probes = run(search, world)
    kept = data.draw(st.lists(st.sampled_from(probes), unique=True)) if probes else []
    again, fresh = run(search, world, {probe: world(probe) for probe in kept})
    assert again == verdict
    assert sorted(fresh) == sorted(set(probes) - set(kept))


@given(grids, grids, st.integers(0, 1000), st.booleans())
def test_records_of_another_resolution_change_nothing(grid, other, seed, exhaustive):
    world, rates = hidden(seed), (1e-3, 1e-2)
    _, journal = run(BinarySearch(asked(other, rates, 3), not exhaustive), world)
    search = BinarySearch(asked(grid, rates, 3), exhaustive)
    known = {probe: world(probe) for probe in journal}
    assert run(search, world, known)[0] == run(search, world)[0]


@given(searches(), st.integers(0, 1000))
def test_the_verdict_lists_the_probes_that_it_rests_on_once_each(search, seed):
    verdict, probes = run(search, hidden(seed))
    assert list(verdict.probes) == probes
    assert len(set(probes)) == len(probes) and verdict.ended is SearchEnd.SETTLED


@given(grids, st.integers(0, 1000), st.sampled_from([1, 2, 3]))
def test_skipping_what_cannot_matter_any_more_keeps_the_verdict(grid, seed, seeds):
    rates = (1e-3, 5e-3, 1e-2, 3e-2)
    lazy, few = run(BinarySearch(asked(grid, rates, seeds)), hidden(seed))
    literal, all_of_them = run(BinarySearch(asked(grid, rates, seeds), True), hidden(seed))
    assert (lazy.d90_paper, lazy.lower) == (literal.d90_paper, literal.lower)
    assert set(few) <= set(all_of_them)
    assert len(all_of_them) % (seeds * len(rates)) == 0


def test_a_sweep_ends_at_the_first_learning_rate_that_reaches():
    verdict, probes = run(
        BinarySearch(asked([100], [1e-3, 5e-3, 1e-2])),
        lambda probe: trained(probe, 0.8 if probe.learning_rate == 5e-3 else 0.7),
    )
    assert [probe.learning_rate for probe in probes] == [1e-3, 5e-3]
    assert verdict.winner == Probe(100, 0, 5e-3)


def test_an_exhaustive_sweep_takes_the_best_learning_rate():
    metrics = {1e-3: 0.76, 5e-3: 0.8, 1e-2: 0.78}
    verdict, probes = run(
        BinarySearch(asked([100], list(metrics)), exhaustive=True),
        lambda probe: trained(probe, metrics[probe.learning_rate]),
    )
    assert len(probes) == 3
    assert verdict.winner == Probe(100, 0, 5e-3)


@pytest.mark.parametrize(("lucky", "d90"), [(1, None), (2, 100)])
def test_more_than_half_of_the_seeds_must_reach(lucky, d90):
    verdict, _ = run(
        BinarySearch(asked([100], seeds=3)),
        lambda probe: trained(probe, 0.9 if probe.seed < lucky else 0.5),
    )
    assert verdict.d90_paper == d90


def test_half_of_the_seeds_is_not_enough():
    world = lambda probe: trained(probe, 0.9 if probe.seed else 0.5)  # noqa: E731
    assert run(BinarySearch(asked([100], seeds=2)), world)[0].d90_paper is None


def test_a_third_seed_is_not_run_when_two_agree():
    _, probes = run(BinarySearch(asked([100], seeds=3)), step(1))
    assert [probe.seed for probe in probes] == [0, 1]


def test_below_the_smallest_dimension_nothing_is_known_to_miss():
    verdict, _ = run(BinarySearch(asked([100, 200, 300])), step(1))
    assert (verdict.d90_paper, verdict.lower) == (100, None)


def test_a_grid_whose_largest_dimension_misses_has_no_number_and_no_winner():
    verdict, _ = run(BinarySearch(asked([100, 200, 300])), step(301))
    assert (verdict.d90_paper, verdict.lower, verdict.winner) == (None, 300, None)


def test_divergence_reaches_nothing():
    diverged = lambda probe: trained(probe, 0.9, diverged=True)  # noqa: E731
    verdict, _ = run(BinarySearch(asked([100, 200], [1e-3, 1e-2])), diverged)
    assert (verdict.d90_paper, verdict.lower, verdict.winner) == (None, 200, None)


def test_a_probe_that_diverged_below_the_top_has_missed():
    world = lambda probe: trained(probe, 0.9, diverged=probe.d < 200)  # noqa: E731
    verdict, _ = run(BinarySearch(asked([100, 200, 300])), world)
    assert (verdict.d90_paper, verdict.lower) == (200, 100)


def test_a_metric_that_equals_the_target_but_for_rounding_reaches():
    target = 0.9 * (17 / 20)
    assert reaches(153 / 200, target)
    question = replace(asked([100]), target=target)
    verdict, _ = run(BinarySearch(question), lambda probe: trained(probe, 153 / 200))
    assert verdict.d90_paper == 100


def test_each_dimension_has_the_rates_that_are_offered_there():
    question = replace(asked([100, 400]), rates=Rates((0.5, 1.0), unit=2.0, power=-0.5))
    _, probes = run(BinarySearch(question, exhaustive=True), step(1000))
    at = {d: [one.learning_rate for one in probes if one.d == d] for d in (100, 400)}
    assert at[100] == pytest.approx([0.1, 0.2]) and at[400] == pytest.approx([0.05, 0.1])


def test_a_grid_out_of_order_is_a_programming_error():
    with pytest.raises(AssertionError, match="increase"):
        asked([200, 100])
