"""The efficient protocol: how searches end, and that they hang on nothing but the records."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from pipeline.common.status import SearchEnd
from pipeline.dimension.belief import TAILS, knowledge
from pipeline.dimension.driver import cut, drive
from pipeline.dimension.efficient import EfficientSearch
from pipeline.dimension.estimate import estimate_d90
from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS
from pipeline.dimension.question import Near, Question
from pipeline.dimension.rates import DEFAULT_RATES, Rates, listed
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.dimension.verdict import Verdict
from pipeline.estimate.simulate import PROFILES, Answer, Problem, answer, draw

GRID = tuple(16 * 2**step for step in range(15))
EVALUATIONS = 8
QUESTION = Question(
    GRID, 0.8, Rates((1.0,)), full=0.9, evaluations=EVALUATIONS, chance=0.5, target_error=0.01
)
World = Callable[[Probe], float]


def training(probe: Probe, final: float) -> Record:
    """One that rises to its final metric and stays there."""
    curve = [0.5 + (final - 0.5) * (1 - 0.4**epoch) for epoch in range(1, EVALUATIONS)]
    return Record(probe, (*curve, final))


def searched(
    world: World, question: Question = QUESTION, config: EfficientConfig | None = None
) -> tuple[Verdict, dict[Probe, Record]]:
    strategy = PROTOCOLS["efficient"](question, config or EfficientConfig())
    return drive(strategy, lambda probe, stop: cut(training(probe, world(probe)), stop))


def rising(d90: float, slope: float = 0.3) -> World:
    """A metric with a slope a decade; seeds differ a little."""

    def metric(probe: Probe) -> float:
        toss = random.Random(str(probe)).gauss(0, 0.004)
        return min(max(0.8 + slope * math.log10(probe.d / d90) + toss, 0.5), 0.9)

    return metric


def test_a_narrow_interval_that_no_training_reached_in_is_not_precise() -> None:
    """A level below the target at every large d looks like a learning rate that is off."""
    came = {
        25: 0.562, 288: 0.738, 432: 0.72, 648: 0.758, 3284: 0.818, 16_626: 0.815, 61_571: 0.795
    }  # fmt: skip
    question = Question(
        grid_values(GridConfig(minimum=5, ratio=1.5), 4, 61_571), 0.829, Rates((1.0,)),
        full=0.884, full_error=0.003, chance=1 / 3, target_error=0.0154,
    )  # fmt: skip
    probes = [Probe(d, seed, 1.0) for d in came for seed in range(2)]
    records = {probe: Record(probe, (came[probe.d],)) for probe in probes}
    low, high = 10 ** knowledge(question, records.values(), question.noise).quantiles(TAILS)
    assert high < 2.5 * low
    config = EfficientConfig(precision=2.5, budget=100.0)
    verdict = EfficientSearch(question, config).next(records)
    assert isinstance(verdict, Verdict) and verdict.ended is SearchEnd.SETTLED


def test_it_ends_when_d90_is_known_as_precisely_as_was_asked_for() -> None:
    for precision in (2.0, 4.0, 16.0):
        config = EfficientConfig(precision=precision, budget=100.0)
        verdict, records = searched(rising(700), config=config)
        found = estimate_d90(QUESTION, records.values(), QUESTION.noise)
        assert verdict.ended is SearchEnd.PRECISION
        assert found.high <= precision * found.low and found.low < 700 < found.high


def test_more_precision_costs_more_trainings() -> None:
    counts = [
        len(searched(rising(700), config=EfficientConfig(precision=precision, budget=100.0))[1])
        for precision in (16.0, 3.0, 1.8)
    ]
    assert counts[0] <= counts[1] < counts[2]


@pytest.mark.parametrize("budget", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("cost", [0.5, 1.0])
def test_it_ends_when_the_budget_is_spent_and_overdraws_by_one_training(
    budget: float, cost: float
) -> None:
    question = replace(QUESTION, cost=cost)
    config = EfficientConfig(precision=1.05, budget=budget)
    verdict, records = searched(rising(700), question, config)
    spent = EfficientSearch(question, config).spent
    before = dict(list(records.items())[:-1])
    assert verdict.ended is SearchEnd.BUDGET
    assert spent(before) < budget <= spent(records) < budget + cost


def test_a_budget_that_ends_the_halving_leaves_no_papers_number() -> None:
    verdict, records = searched(rising(700), config=EfficientConfig(budget=0.1))
    assert len(records) == 1
    assert (verdict.ended, verdict.d90_paper, verdict.lower) == (SearchEnd.BUDGET, None, None)


@pytest.mark.parametrize(
    ("world", "paper", "lower"),
    [(lambda probe: 0.6, None, GRID[-1]), (lambda probe: 0.9, GRID[0], None)],
    ids=["above", "below"],
)
def test_it_ends_when_what_remains_possible_lies_beyond_the_grid(world, paper, lower) -> None:
    config = EfficientConfig(precision=1.05, budget=100.0)
    verdict, records = searched(world, config=config)
    assert verdict.ended is SearchEnd.BEYOND
    assert (verdict.d90_paper, verdict.lower) == (paper, lower)
    assert len(records) <= 10


def test_it_settles_when_no_training_would_tell_more() -> None:
    """An error of the target is all that is left: no further training changes that."""
    question = replace(QUESTION, full_error=0.06)
    config = EfficientConfig(precision=1.02, budget=1000.0)
    verdict, records = searched(rising(700), question, config)
    assert verdict.ended is SearchEnd.SETTLED and len(records) < 60


def test_the_budget_counts_evaluations_of_whole_full_fine_tunings() -> None:
    half = Record(Probe(16, 0, 1.0), (0.5,) * (EVALUATIONS // 2), Ending.HOPELESS)
    whole = Record(Probe(32, 0, 1.0), (0.5,) * EVALUATIONS)
    search = EfficientSearch(replace(QUESTION, cost=0.6), EfficientConfig())
    assert search.spent({one.probe: one for one in (half, whole)}) == pytest.approx(0.9)


def test_a_training_ends_by_what_those_before_it_let_expect() -> None:
    search = EfficientSearch(QUESTION, EfficientConfig())
    low = training(Probe(512, 0, 1.0), 0.6)
    high = training(Probe(512, 0, 1.0), 0.85)
    rules = [search.rule(Probe(1024, 0, 1.0), {one.probe: one}) for one in (low, high)]
    start = [0.55, 0.57]
    assert rules[0].chance(start) < rules[1].chance(start)


def test_of_a_list_of_rates_smaller_ones_are_tried_where_d_is_large() -> None:
    """A search whose trainings get worse as d grows lowers the rate instead of climbing on."""
    question = replace(QUESTION, rates=listed((1e-4, 1e-3, 1e-2), -0.5, GRID))

    def world(probe: Probe) -> float:
        best = 1e-3 * (probe.d / 500) ** -0.75
        top = rising(3000, slope=0.15)(probe)
        return 0.5 + (top - 0.5) * math.exp(-((math.log10(probe.learning_rate / best) / 0.75) ** 4))

    verdict, records = searched(world, question)
    at = {probe.d: probe.learning_rate for probe in records}
    assert at[max(at)] < at[min(at)]
    assert verdict.d90_paper is not None and 2000 < verdict.d90_paper < 9000


@pytest.mark.parametrize(
    "wrong",
    [{"precision": 1.0}, {"budget": 0.0}, {"evaluations": 0}, {"max_steps": 0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_impossible_demands_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is {next(iter(wrong.values()))}"):
        EfficientConfig(**wrong)  # type: ignore[arg-type]


# Simulated cells: real noise, curves and neighbours.
CELLS = [(task, seed) for task in ("sst2", "mrpc", "mnli") for seed in (100, 101, 102)]
COARSE = grid_values(GridConfig(ratio=2.0), 14, 125_000_000)


def cell(task: str, seed: int) -> Problem:
    return draw(PROFILES[task], COARSE, seed, rates=DEFAULT_RATES, relative=True)


@pytest.fixture(scope="module")
def answers() -> dict[tuple[str, int], tuple[Problem, Answer, Answer]]:
    """Every simulated cell with the answers of the efficient and of the paper's protocol."""
    found = {}
    for name in CELLS:
        problem = cell(*name)
        strategies = (
            PROTOCOLS[protocol](problem.question, EfficientConfig())
            for protocol in ("efficient", "paper")
        )
        found[name] = (problem, *(Answer(*answer(problem, one)) for one in strategies))
    return found


def test_it_mostly_agrees_with_the_paper_within_a_step_and_trains_less(answers) -> None:
    agreed, epochs = [], [0, 0]
    for _, efficient, paper in answers.values():
        if paper.verdict.d90_paper is not None:
            theirs, ours = (
                COARSE.index(one.verdict.d90_paper) if one.verdict.d90_paper else math.inf
                for one in (paper, efficient)
            )
            agreed.append(abs(theirs - ours) <= 1)
        epochs = [epochs[0] + efficient.epochs, epochs[1] + paper.epochs]
    assert len(agreed) >= 7 and sum(agreed) >= len(agreed) - 1
    assert epochs[0] < epochs[1] / 2.5


def test_the_truth_mostly_lies_in_the_interval(answers) -> None:
    inside = []
    for problem, efficient, _ in answers.values():
        question = problem.question
        found = estimate_d90(question, efficient.records.values(), question.noise)
        inside.append(found.low <= problem.truth <= found.high)
    assert sum(inside) >= len(inside) - 1


def test_any_part_of_the_records_in_any_order_resumes_it(answers) -> None:
    """Asked with what the journal holds, the search goes on with the probe that it went on with."""
    for (task, seed), (problem, efficient, _) in answers.items():
        search = EfficientSearch(problem.question, EfficientConfig())
        trained = list(efficient.records.items())
        for done in range(len(trained) + 1):
            part = random.Random(f"{task} {seed} {done}").sample(trained[:done], done)
            said = search.next(dict(part))
            if done < len(trained):
                assert said == trained[done][0]
            else:
                assert isinstance(said, Verdict)
                assert replace(said, probes=efficient.verdict.probes) == efficient.verdict


def test_a_neighbours_answer_changes_the_effort(answers) -> None:
    problem, _, _ = answers["mnli", 100]
    firsts = set()
    for d90 in (COARSE[2], COARSE[-3]):
        question = replace(problem.question, near=Near(float(d90)))
        firsts.add(EfficientSearch(question, EfficientConfig()).next({}).d)
    assert len(firsts) == 2


def test_the_papers_number_is_read_from_its_own_bracket(answers) -> None:
    for problem, efficient, _ in answers.values():
        verdict, records = efficient.verdict, efficient.records
        if verdict.d90_paper is None or verdict.lower is None:
            continue
        target = problem.question.target
        upper, lower = (
            [one for probe, one in records.items() if (probe.d, probe.seed) == (d, 0)]
            for d in (verdict.d90_paper, verdict.lower)
        )
        assert any(one.reached(target) for one in upper)
        assert lower and not any(one.reached(target) for one in lower)
        assert COARSE.index(verdict.d90_paper) == COARSE.index(verdict.lower) + 1
