"""A simulated cell whose d₉₀ is known, searched by both protocols under the same luck."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.common.status import SearchEnd
from pipeline.common.target import reaches
from pipeline.dimension.estimate import estimate_d90
from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS
from pipeline.dimension.question import Question
from pipeline.dimension.rates import DEFAULT_RATES
from pipeline.dimension.record import Probe
from pipeline.dimension.stopping import StopRule
from pipeline.dimension.verdict import Verdict
from pipeline.estimate.expected import evaluations_an_epoch
from pipeline.estimate.simulate import EPOCHS, PROFILES, RATES, Answer, Problem, answer, draw
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SearchConfig

# Decades that a neighbour's d₉₀ is off, as a standard deviation.
_SHIFT = 0.1
# Trainings within so many steps of d₉₀ show what the stop rule does.
_NEAR = 4
# Relative rates of the paper's protocol: those of the search, and one beyond them.
_MULTIPLES = (*DEFAULT_RATES, 1.4)
# Training rows, and how many of them make an update.
ROWS, _BATCH = {"mrpc": 3_668, "sst2": 67_349, "mnli": 392_702}, 32


@dataclass(frozen=True)
class Job:
    """A cell to draw and to search.

    Attributes:
        task: the evaluation set.
        seed: of the cell.
        slope: the power of d that the best rate follows, beyond what its unit follows.
        ratio: of the grid; None is A21's.
        config: of the search.
        relative: whether rates are relative to the unit of docs/normalisation.md and long epochs
            have several evaluations, as a study has both by default: the paper's protocol tries
            four rates and evaluates once an epoch, the search has three. Else both have the
            paper's list of absolute rates and one evaluation an epoch.
    """

    task: str
    seed: int
    slope: float
    ratio: float | None
    config: EfficientConfig
    relative: bool = False

    def problem(self) -> Problem:
        """The cell, on a grid of RoBERTa-Base: 14 layers of SAID, 125 M parameters."""
        grid = grid_values(GridConfig(ratio=self.ratio), 14, 125_000_000)
        rates = _MULTIPLES if self.relative else RATES
        return draw(
            PROFILES[self.task], grid, self.seed, _SHIFT, rates=rates,
            epochs=EPOCHS * self.an_epoch, slope=self.slope, relative=self.relative,
        )  # fmt: skip

    @property
    def an_epoch(self) -> int:
        """The search's evaluations of an epoch."""
        search = SearchConfig(GridConfig(), efficient=self.config)
        recipe = FinetuneConfig(EPOCHS, _BATCH, RATES)
        return evaluations_an_epoch(search, recipe, ROWS[self.task]) if self.relative else 1

    def papers(self, problem: Problem) -> Problem:
        """The cell as the paper's protocol sees it: after whole epochs."""
        question = replace(problem.question, evaluations=EPOCHS)
        curves = problem.curves[..., self.an_epoch - 1 :: self.an_epoch]
        return replace(problem, question=question, curves=curves)

    def searched(self, question: Question) -> Question:
        """What the search is asked."""
        if not self.relative:
            return question
        return replace(question, rates=replace(question.rates, multiples=DEFAULT_RATES))

    @property
    def step(self) -> float:
        """A grid step in decades."""
        return 4 / 63 if self.ratio is None else math.log10(self.ratio)


@dataclass(frozen=True)
class Stops:
    """What the stop rule does to trainings near d₉₀, by training.

    Attributes:
        lost: whether one that would have reached is ended before.
        saved: epochs of one that misses which are not trained.
    """

    lost: tuple[bool, ...]
    saved: tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """A cell's two searches. Places are indices on the grid, one past its end for not reached.

    Attributes:
        task: the evaluation set.
        number: the place of the search's paper number; None where it is not determined.
        estimated: the place of its estimate.
        paper: that of the paper protocol's number, and ``again`` with another seed.
        off: distances from the truth in steps: of ``number``, the estimate and ``paper``.
        inside: whether the interval holds the truth, and ``ratio`` its upper over its lower end.
        probes: trainings of the search.
        epochs: those of the search, whole ones as a sum of parts, and ``paper_epochs`` of the
            paper protocol.
        ended: why the search ended.
        stops: see `Stops`.
    """

    task: str
    number: int | None
    estimated: int
    paper: int
    again: int
    off: tuple[float | None, float, float]
    inside: bool
    ratio: float
    probes: int
    epochs: float
    paper_epochs: int
    ended: SearchEnd
    stops: Stops


def place(grid: Sequence[int], value: float) -> int:
    """Index of the smallest d at or above a value; one past the end where there is none."""
    return next((index for index, d in enumerate(grid) if d >= value), len(grid))


def number(grid: Sequence[int], verdict: Verdict) -> int | None:
    """The place of a verdict's paper number; None where it is not determined."""
    if verdict.d90_paper is not None:
        return grid.index(verdict.d90_paper)
    return None if verdict.lower is None else len(grid)


def holds(grid: Sequence[int], truth: float, low: float, high: float) -> bool:
    """Whether an interval holds the truth, or reaches beyond the same end of the grid."""
    beyond = (truth > grid[-1] and high > grid[-1]) or (truth < grid[0] and low < grid[0])
    return low <= truth <= high or beyond


def outcome(job: Job) -> Outcome:
    """Let both protocols search a cell."""
    problem = job.problem()
    question, truth = job.searched(problem.question), problem.truth
    grid = question.grid
    short = Answer(*answer(problem, PROTOCOLS["efficient"](question, job.config)))
    papers = job.papers(problem)
    whole = _papers(papers, job.config)
    other_seed = replace(papers, curves=papers.curves[:, ::-1])
    again = number(grid, _papers(other_seed, job.config).verdict)
    found, paper = number(grid, short.verdict), number(grid, whole.verdict)
    assert paper is not None and again is not None, "the paper protocol determines its number"
    estimate = estimate_d90(question, short.records.values(), question.noise)
    steps = abs(math.log10(_held(grid, estimate.d90) / _held(grid, truth))) / job.step
    true_place = place(grid, truth)
    return Outcome(
        task=job.task,
        number=found,
        estimated=place(grid, estimate.d90),
        paper=paper,
        again=again,
        off=(None if found is None else abs(found - true_place), steps, abs(paper - true_place)),
        inside=holds(grid, truth, estimate.low, estimate.high),
        ratio=estimate.high / estimate.low,
        probes=len(short.records),
        epochs=short.epochs / job.an_epoch,
        paper_epochs=whole.epochs,
        ended=short.verdict.ended,
        stops=stops(problem, job.an_epoch),
    )


def _papers(problem: Problem, config: EfficientConfig) -> Answer:
    return Answer(*answer(problem, PROTOCOLS["paper"](problem.question, config)))


def _held(grid: Sequence[int], value: float) -> float:
    return min(max(value, grid[0]), grid[-1])


def stops(problem: Problem, an_epoch: int = 1) -> Stops:
    """What the rule does to the first seed's trainings near d₉₀, with every rate."""
    question, lost, saved = problem.question, list[bool](), list[float]()
    rule = StopRule(question)
    middle = min(place(question.grid, problem.truth), len(question.grid) - 1)
    near = question.grid[max(middle - _NEAR, 0) : middle + _NEAR + 1]
    for probe in (Probe(d, 0, rate) for d in near for rate in question.rates.at(d)):
        curve = problem.training(probe).curve
        ended = next((done for done in range(1, len(curve)) if rule(curve[:done])), len(curve))
        if reaches(max(curve), question.target):
            lost.append(not reaches(max(curve[:ended]), question.target))
        else:
            saved.append((len(curve) - ended) / an_epoch)
    return Stops(tuple(lost), tuple(saved))
