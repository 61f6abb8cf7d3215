"""Does the search find an intrinsic dimension that is known? Many objectives, real subspaces.

    python -m benchmarks.known_answers [--runs 60] [--first 0] [--only KIND] [--precision 1.3]
        [--budget 40] [--scores FILE]

Prints Markdown. `benchmarks.objectives` says which d₉₀ is known, and why. Every run draws k and an
objective, and searches it with DID, dense or Fastfood, `entry` normalisation, over a fine grid. A
teacher is searched as a cell is: by the efficient protocol, until the interval is as precise as
asked; its d₉₀ is the estimate. A quadratic's score is a step and without noise, so that there is
nothing to estimate: a binary search finds the step, its d₉₀ is the paper's number and its interval
the final bracket. A run is right if the true d₉₀ lies inside its interval. `--scores` keeps each
probe's score and reads them again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.objectives import FRACTION, Objective, Quadratic, Teacher
from pipeline.common.seeds import derive, numpy_generator
from pipeline.dimension.binomial import binomial_error
from pipeline.dimension.driver import drive
from pipeline.dimension.estimate import estimate_d90
from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS, Strategy
from pipeline.dimension.question import Question
from pipeline.dimension.rates import Rates
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.search import BinarySearch
from pipeline.dimension.stopping import Stop
from pipeline.dimension.verdict import Verdict
from pipeline.subspace.config import SubspaceConfig

RATIO = 1.06
PROJECTIONS = ("dense", "fastfood")
# Of the best learning rate, in decades: nothing, but a prior needs some width.
_NO_SPREAD = 0.01


def _quadratic(run: int) -> Objective:
    return Quadratic(int(numpy_generator(run, "quadratic").integers(8, 31)), run)


def _teacher(run: int) -> Objective:
    return Teacher(int(numpy_generator(run, "teacher").integers(24, 49)), run)


# How an objective of each kind is drawn.
KINDS: dict[str, Callable[[int], Objective]] = {"quadratic": _quadratic, "teacher": _teacher}


@dataclass(frozen=True)
class Run:
    """A finished search beside the truth; the interval is (low, high]."""

    kind: str
    projection: str
    k: int
    truth: float
    d90: float
    low: float
    high: float
    probes: int

    @property
    def right(self) -> bool:
        """Whether the truth lies inside."""
        return self.low < self.truth <= self.high

    @property
    def ratio(self) -> float:
        """The interval's upper over its lower end; a bracket may begin below every d."""
        return self.high / max(self.low, 1.0)


def measure(
    kind: str, projection: str, run: int, scores: dict[str, float], config: EfficientConfig
) -> Run:
    """One search; ``scores`` holds those of probes known already, and receives the others."""
    objective = KINDS[kind](run)
    subspace = SubspaceConfig(method="did", projection=projection)  # type: ignore[arg-type]
    question = asked(objective)

    def train(probe: Probe, stop: Stop) -> Record:
        name = f"{kind} {projection} {run} {probe.d} {probe.seed}"
        if name not in scores:
            seed = derive(run, projection, probe.seed, probe.d)
            scores[name] = objective.probe(subspace, probe.d, seed)
        return Record(probe, (scores[name],))

    exact = objective.rows is None
    strategy = Strategy(BinarySearch(question)) if exact else _efficient(question, config)
    verdict, records = drive(strategy, train)
    found = bracket(verdict) if exact else interval(question, records.values())
    return Run(kind, projection, objective.k, objective.truth, *found, len(records))


def asked(objective: Objective) -> Question:
    """What a search is asked; training converges, so that every learning rate is the best one."""
    rows = objective.rows
    return Question(
        grid=grid_values(GridConfig(2, objective.size, RATIO), 0, objective.size),
        target=FRACTION,
        rates=Rates((1.0,), spread=_NO_SPREAD),
        full=1.0,
        chance=objective.chance,
        target_error=0.0 if rows is None else binomial_error(FRACTION, rows),
    )


def _efficient(question: Question, config: EfficientConfig) -> Strategy:
    return PROTOCOLS["efficient"](question, config)


def bracket(verdict: Verdict) -> tuple[float, float, float]:
    """The d₉₀ of an exact score, and the bracket: the d that missed and the next, which reached."""
    assert verdict.d90_paper is not None, "from d = k on every d reaches"
    return float(verdict.d90_paper), float(verdict.lower or 0), float(verdict.d90_paper)


def interval(question: Question, records: Iterable[Record]) -> tuple[float, float, float]:
    """The estimate of a score that is counted on examples, and its 95 % interval."""
    estimate = estimate_d90(question, records, question.noise)
    return estimate.d90, estimate.low, estimate.high


def row(runs: list[Run]) -> str:
    """A line of the table."""
    right = sum(run.right for run in runs)
    ratios = [run.d90 / run.truth for run in runs]
    width = statistics.median(run.ratio for run in runs)
    return (
        f"| {runs[0].kind} | {runs[0].projection} | {min(run.k for run in runs)}–"
        f"{max(run.k for run in runs)} | {right} of {len(runs)} | {statistics.median(ratios):.3f} "
        f"| {min(ratios):.2f}–{max(ratios):.2f} | {width:.2f} "
        f"| {statistics.mean(run.probes for run in runs):.1f} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="the first run's seed")
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--only", nargs="*", choices=KINDS, default=list(KINDS))
    parser.add_argument("--precision", type=float, default=1.3)
    parser.add_argument("--budget", type=float, default=40.0, help="trainings of a search")
    arguments = parser.parse_args()
    config = EfficientConfig(precision=arguments.precision, budget=arguments.budget)
    torch.set_num_threads(1)
    kept = arguments.scores is not None and arguments.scores.exists()
    scores: dict[str, float] = json.loads(arguments.scores.read_text()) if kept else {}
    print("| objective | P | k | true d₉₀ inside | d₉₀ / truth | from–to | high / low | probes |")
    print("|---|---|---|---|---|---|---|---|")
    started = time.monotonic()
    for kind in arguments.only:
        for projection in PROJECTIONS:
            seeds = range(arguments.first, arguments.first + arguments.runs)
            runs = [measure(kind, projection, seed, scores, config) for seed in seeds]
            print(row(runs), flush=True)
            if arguments.scores is not None:
                arguments.scores.write_text(json.dumps(scores))
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
