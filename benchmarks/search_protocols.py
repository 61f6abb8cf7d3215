"""The search protocols against simulated cells whose d₉₀ is known: agreement, cost, intervals.

    python -m benchmarks.search_protocols [--cells 200] [--shift 0.1] [--slope 0]

Every protocol answers the same cells under the same luck: a probe has one curve, whoever asks for
it. Agreement is the share of verdicts within one grid step (ratio 1.157); cost is the mean over
cells of training tokens relative to the paper protocol's on the same cell, tokens the same of all
cells' tokens together, of which the large task has most; bias is the mean distance to the true
d₉₀ in grid steps, distances cut off at 20; coverage is the share of 95 % intervals that hold the
true d₉₀, width their median length in grid steps.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.interval import d90_interval, evaluation_noise
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS, ProtocolName
from pipeline.dimension.record import Probe
from pipeline.dimension.stopping import hopeless
from pipeline.estimate.simulate import EPOCHS, PROFILES, Answer, Problem, answer, draw

# RoBERTa-Base: 14 layers of SAID, 125 M parameters.
GRID = grid_values(GridConfig(), 14, 125_000_000)
# Training tokens of an epoch: rows by mean length.
TOKENS = {"mrpc": 3_668 * 53, "sst2": 67_349 * 13, "mnli": 392_702 * 39}
STEP = math.log(10 ** (4 / 63))
LEVERS = (
    "skip_rates", "stop_at_target", "futility", "race", "carry_rate", "neighbour",
)  # fmt: skip
NONE = EfficientConfig(**dict.fromkeys((*LEVERS, "confirm"), False))


@dataclass(frozen=True)
class Cell:
    """A problem by its task, and what the paper's protocol says of it."""

    task: str
    problem: Problem
    paper: Answer


def cells(count: int, shift: float, slope: float) -> list[Cell]:
    """``count`` cells of each task."""
    drawn = []
    for place, (task, profile) in enumerate(PROFILES.items()):
        for number in range(count):
            problem = draw(profile, GRID, 100_000 * place + number, shift, slope=slope)
            drawn.append(Cell(task, problem, _search(problem, "paper", NONE)))
    return drawn


def _search(problem: Problem, protocol: ProtocolName, config: EfficientConfig) -> Answer:
    return Answer(*answer(problem, PROTOCOLS[protocol](problem.question, config)))


def _reseeded(problem: Problem) -> Problem:
    """The same cell and examples with the other seed's trainings first."""
    return replace(problem, curves=problem.curves[:, ::-1])


def place(d90: int | None) -> int:
    """Index on the grid; one past its end where d₉₀ was not reached."""
    return len(GRID) if d90 is None else GRID.index(d90)


def true_place(problem: Problem) -> int:
    """Grid index of the smallest d at or above the true d₉₀."""
    return next((index for index, d in enumerate(GRID) if d >= problem.truth), len(GRID))


def bounds(problem: Problem, found: Answer) -> tuple[float, float]:
    """The 95 % interval from a search's curves; 0 and infinity stand for open ends."""
    question = problem.question
    noise = evaluation_noise(None, question.target_error, 0.9)
    records = found.records.values()
    return d90_interval(question, records, problem.full, noise, found.verdict.d90)


def report(name: str, asked: Sequence[Cell], answers: Sequence[Answer], intervals: bool) -> str:
    """A line of the table."""
    found = np.array([place(one.verdict.d90) for one in answers])
    paper = np.array([place(cell.paper.verdict.d90) for cell in asked])
    truth = np.array([true_place(cell.problem) for cell in asked])
    pairs = list(zip(answers, asked, strict=True))
    cost = np.mean([one.epochs / cell.paper.epochs for one, cell in pairs])
    tokens = sum(one.epochs * TOKENS[cell.task] for one, cell in pairs)
    tokens /= sum(cell.paper.epochs * TOKENS[cell.task] for cell in asked)
    words = (
        f"{name:<24}{np.mean(abs(found - paper) <= 1):>8.3f}{np.mean(abs(found - paper) > 3):>8.3f}"
        f"{np.mean(abs(found - truth) <= 1):>8.3f}{np.mean(np.clip(found - truth, -20, 20)):>+8.2f}"
        f"{np.mean([len(one.records) for one in answers]):>8.1f}"
        f"{np.mean([one.epochs for one in answers]):>8.1f}   1/{1 / cost:<5.2f}"
        f"  1/{1 / tokens:<5.2f}"
    )
    if not intervals:
        return words
    ranges = [bounds(cell.problem, one) for cell, one in zip(asked, answers, strict=True)]
    inside = [
        low <= cell.problem.truth <= high for (low, high), cell in zip(ranges, asked, strict=True)
    ]
    widths = [math.log(high / low) / STEP for low, high in ranges if low > 0 and high < math.inf]
    return f"{words}{np.mean(inside):>8.3f}{np.median(widths):>8.1f}"


def false_stops(asked: Sequence[Cell]) -> tuple[float, float]:
    """Near d₉₀: the share of reaching trainings that futility ends before, epochs saved a miss."""
    lost, saved = [], []
    for cell in asked:
        question = cell.problem.question
        rule = EfficientConfig().rule(question)
        middle = min(true_place(cell.problem), len(GRID) - 1)
        for d in GRID[max(middle - 4, 0) : middle + 5]:
            for rate in question.learning_rates:
                curve = cell.problem.training(Probe(d, 0, rate)).curve
                reached = next((e for e in range(EPOCHS) if curve[e] >= question.target), None)
                stop = next((e for e in range(1, EPOCHS) if hopeless(curve[:e], rule)), EPOCHS)
                if reached is None:
                    saved.append(EPOCHS - stop)
                else:
                    lost.append(stop <= reached)
    return float(np.mean(lost)), float(np.mean(saved))


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=200, help="of each of the three tasks")
    parser.add_argument("--shift", type=float, default=0.1, help="of the neighbour, decades")
    parser.add_argument("--slope", type=float, default=0.0, help="power of d of the best rate")
    chosen = parser.parse_args()
    asked = cells(chosen.cells, chosen.shift, chosen.slope)
    print(f"{len(asked)} cells, neighbour off by {chosen.shift:g} decades (standard deviation), "
          f"best rate as d^{chosen.slope:g}\n")  # fmt: skip
    print(f"{'':<24}{'paper':>8}{'> 3 off':>8}{'truth':>8}{'bias':>8}{'probes':>8}{'epochs':>8}"
          f"   {'cost':<7}  {'tokens':<7}{'covers':>8}{'width':>8}")  # fmt: skip
    papers = [cell.paper for cell in asked]
    print(report("paper", asked, papers, True))
    again = [_search(_reseeded(cell.problem), "paper", NONE) for cell in asked]
    print(report("paper, another seed", asked, again, False))
    whole = [_search(cell.problem, "efficient", EfficientConfig()) for cell in asked]
    print(report("efficient", asked, whole, True))
    for task in PROFILES:
        pairs = [(c, a) for c, a in zip(asked, whole, strict=True) if c.task == task]
        print(report(f"  {task}", [c for c, _ in pairs], [a for _, a in pairs], True), flush=True)
    for title, start, value in (("only", NONE, True), ("without", EfficientConfig(), False)):
        for lever in (*LEVERS, *(() if value else ("confirm", "scale_rate"))):
            config = replace(start, **{lever: value})
            answers = [_search(cell.problem, "efficient", config) for cell in asked]
            print(report(f"{title} {lever}", asked, answers, False), flush=True)
    for task in PROFILES:
        lost, saved = false_stops([cell for cell in asked if cell.task == task])
        print(f"futility on {task}: {lost:.3f} false stops, {saved:.1f} of 10 epochs saved a miss")


if __name__ == "__main__":
    main()
