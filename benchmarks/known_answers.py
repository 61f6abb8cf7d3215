"""Does the search find an intrinsic dimension that is known? Many objectives, real subspaces.

    python -m benchmarks.known_answers [--runs 30] [--only KIND] [--scores FILE]

Prints Markdown. `benchmarks.objectives` says which d₉₀ is known, and why. Every run draws k and an
objective, and searches it with DID, dense or Fastfood, `entry` normalisation, as a cell is
searched: binary search over a fine grid, more than half of the seeds must reach 0.9. A run is right
if the true d₉₀ lies inside its interval (see `interval`). `--scores` keeps each probe's score and
reads them again.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.objectives import FRACTION, Objective, Quadratic, Teacher
from pipeline.common.seeds import derive, numpy_generator
from pipeline.dimension.binomial import binomial_error
from pipeline.dimension.bounds import Bound
from pipeline.dimension.driver import drive
from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.interval import Levels, clipped, evaluation_noise
from pipeline.dimension.interval import interval as fit
from pipeline.dimension.protocols import Strategy
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.search import BinarySearch
from pipeline.dimension.stopping import Stop
from pipeline.dimension.verdict import Verdict
from pipeline.subspace.config import SubspaceConfig

RATIO = 1.06
PROJECTIONS = ("dense", "fastfood")


@dataclass(frozen=True)
class Kind:
    """A kind of objective: how one is drawn, and how many seeds of P decide at each d."""

    draw: Callable[[int], Objective]
    seeds: int


def _quadratic(run: int) -> Objective:
    return Quadratic(int(numpy_generator(run, "quadratic").integers(8, 31)), run)


def _teacher(run: int) -> Objective:
    return Teacher(int(numpy_generator(run, "teacher").integers(24, 49)), run)


# Every P gives the quadratic the same d₉₀; with a teacher it is the median over P that is known.
KINDS = {"quadratic": Kind(_quadratic, 1), "teacher": Kind(_teacher, 3)}


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


def measure(kind: str, projection: str, run: int, scores: dict[str, float]) -> Run:
    """One search; ``scores`` holds those of probes known already, and receives the others."""
    objective = KINDS[kind].draw(run)
    config = SubspaceConfig(method="did", projection=projection)  # type: ignore[arg-type]
    grid = grid_values(GridConfig(2, objective.size, RATIO), 0, objective.size)
    search = BinarySearch(grid, FRACTION, [0.0], KINDS[kind].seeds)

    def train(probe: Probe, stop: Stop) -> Record:
        name = f"{kind} {projection} {run} {probe.d} {probe.seed}"
        if name not in scores:
            seed = derive(run, projection, probe.seed, probe.d)
            scores[name] = objective.probe(config, probe.d, seed)
        return Record(probe, (scores[name],))

    verdict, records = drive(Strategy(search), train)
    low, high = interval(objective, grid, verdict, records.values())
    assert verdict.d90 is not None
    return Run(kind, projection, objective.k, objective.truth, verdict.d90, low, high, len(records))


def interval(
    objective: Objective, grid: Sequence[int], verdict: Verdict, records: Iterable[Record]
) -> tuple[float, float]:
    """What is reported with a d₉₀: the 95 % interval of the curve fitted to all probes.

    Where the score is exact and a step there is no curve and no noise: then it is the final
    bracket, the d that missed and the next one, which reached.
    """
    assert verdict.d90 is not None
    if objective.rows is None:
        return float(verdict.lower or 0), float(verdict.d90)
    seen = [Bound(record.probe.d, record.metric, record.metric) for record in records]
    noise = evaluation_noise(
        None, binomial_error(FRACTION, objective.rows), FRACTION, objective.rows
    )
    fitted = fit(seen, Levels(objective.chance, FRACTION, 1.0), noise)
    return clipped(fitted, grid, verdict.d90)


def row(runs: list[Run]) -> str:
    """A line of the table."""
    right = sum(run.right for run in runs)
    ratios = [run.d90 / run.truth for run in runs]
    widths = [run.high / max(run.low, 1.0) for run in runs]
    return (
        f"| {runs[0].kind} | {runs[0].projection} | {min(run.k for run in runs)}–"
        f"{max(run.k for run in runs)} | {right} of {len(runs)} | {statistics.median(ratios):.3f} "
        f"| {min(ratios):.2f}–{max(ratios):.2f} | {statistics.median(widths):.2f} "
        f"| {statistics.mean(run.probes for run in runs):.1f} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help="the first run's seed")
    parser.add_argument("--scores", type=Path)
    parser.add_argument("--only", nargs="*", choices=KINDS, default=list(KINDS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    kept = arguments.scores is not None and arguments.scores.exists()
    scores: dict[str, float] = json.loads(arguments.scores.read_text()) if kept else {}
    print("| objective | P | k | true d₉₀ inside | d₉₀ / truth | from–to | high / low | probes |")
    print("|---|---|---|---|---|---|---|---|")
    started = time.monotonic()
    for kind in arguments.only:
        for projection in PROJECTIONS:
            seeds = range(arguments.first, arguments.first + arguments.runs)
            runs = [measure(kind, projection, seed, scores) for seed in seeds]
            print(row(runs), flush=True)
            if arguments.scores is not None:
                arguments.scores.write_text(json.dumps(scores))
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
