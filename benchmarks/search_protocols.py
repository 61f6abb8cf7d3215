"""The search against simulated cells whose d₉₀ is known: agreement, distance, intervals, cost.

    python -m benchmarks.search_protocols [--cells 200] [--first SEED] [--slope 0] [--ratio R]
        [--relative] [--precision P] [--budget B] [--jobs 2]

Both protocols answer the same cells under the same luck: a probe has one curve, whoever asks for
it. With ``--relative`` the rates and evaluations are those that a study has by default, else rates
are the paper's absolute list, and epochs have one evaluation (`benchmarks.simulated_cell`). Prints
Markdown, of all cells and by evaluation set:

- agreement: the share of cells whose place on the grid is within one step of the paper protocol's:
  of the search's paper number (one that the trainings do not determine disagrees), of its estimate,
  and of the paper protocol itself with another seed;
- distance: mean grid steps from the truth, each cut at 20, of the paper number where there is one,
  of the estimate and of the paper protocol's; all are held inside the grid;
- inside: the share of 95 % intervals that hold the truth (one beyond the grid is held by an
  interval that reaches beyond it too), with the median of upper over lower end;
- cost: epochs over the paper protocol's, the mean over cells, and tokens of all cells together, of
  which the large task has most;
- false stops: of trainings near d₉₀ with every rate that would reach, those that the stop rule ends
  before, without knowledge from other trainings; and the epochs that it saves of one that misses.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from multiprocessing import Pool

import numpy as np

from benchmarks.simulated_cell import ROWS, Job, Outcome, outcome
from pipeline.common.status import SearchEnd
from pipeline.dimension.levers import EfficientConfig
from pipeline.estimate.simulate import PROFILES

# Training tokens of an epoch: rows by mean length.
TOKENS = {task: ROWS[task] * length for task, length in (("mrpc", 53), ("sst2", 13), ("mnli", 39))}
# Seeds of one evaluation set's cells lie so far from the next one's.
APART = 100_000
# A distance counts no more than so many steps.
_CUT = 20


def close(one: int | None, other: int) -> bool:
    """Whether two places are within one step."""
    return one is not None and abs(one - other) <= 1


def agreement(name: str, rows: Sequence[Outcome]) -> str:
    """Agreement with the paper protocol, and distances from the truth."""
    undetermined = sum(row.number is None for row in rows)
    shares = (
        np.mean([close(row.number, row.paper) for row in rows]),
        np.mean([close(row.estimated, row.paper) for row in rows]),
        np.mean([close(row.again, row.paper) for row in rows]),
    )
    off = zip(*(row.off for row in rows), strict=True)
    steps = [_mean([min(one, _CUT) for one in each if one is not None]) for each in off]
    return (
        f"| {name} | {len(rows)} | {shares[0]:.3f} | {undetermined} | {shares[1]:.3f} "
        f"| {shares[2]:.3f} | {steps[0]} | {steps[1]} | {steps[2]} |"
    )


def precision(name: str, rows: Sequence[Outcome]) -> str:
    """Intervals, cost, and how the searches ended."""
    cost = np.mean([row.epochs / row.paper_epochs for row in rows])
    tokens = _tokens(rows, "epochs") / _tokens(rows, "paper_epochs")
    ends = " | ".join(f"{np.mean([row.ended is end for row in rows]):.2f}" for end in SearchEnd)
    return (
        f"| {name} | {np.mean([row.inside for row in rows]):.3f} "
        f"| {np.median([row.ratio for row in rows]):.2f} "
        f"| {np.mean([row.probes for row in rows]):.1f} "
        f"| {np.mean([row.epochs for row in rows]):.1f} "
        f"| {np.mean([row.paper_epochs for row in rows]):.0f} "
        f"| 1/{1 / cost:.2f} | 1/{1 / tokens:.2f} | {ends} |"
    )


def _tokens(rows: Iterable[Outcome], of: str) -> int:
    return sum(TOKENS[row.task] * getattr(row, of) for row in rows)


def stopped(name: str, rows: Sequence[Outcome]) -> str:
    """What the stop rule does near d₉₀."""
    lost = [one for row in rows for one in row.stops.lost]
    saved = [one for row in rows for one in row.stops.saved]
    return f"| {name} | {len(lost)} | {_mean(lost)} | {len(saved)} | {_mean(saved)} |"


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if values else "–"


# A table's columns, and what makes a line of it.
TABLES = (
    (
        ("", "cells", "number agrees", "undetermined", "estimate agrees", "paper again",
         "number off", "estimate off", "paper off"),
        agreement,
    ),
    (
        ("", "inside", "ratio", "probes", "epochs", "of the paper's", "cost", "tokens",
         *(f"ended: {end}" for end in SearchEnd)),
        precision,
    ),
    (("", "reaching", "false stops", "missing", "epochs saved"), stopped),
)  # fmt: skip


def show(rows: Sequence[Outcome]) -> None:
    """Print the tables."""
    for columns, line in TABLES:
        print(f"\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
        print(line("all", rows))
        for task in PROFILES:
            print(line(task, [row for row in rows if row.task == task]))


def jobs(chosen: argparse.Namespace) -> list[Job]:
    """The cells that are asked for."""
    config = EfficientConfig(precision=chosen.precision, budget=chosen.budget)
    return [
        Job(
            task, APART * order + chosen.first + count, chosen.slope, chosen.ratio, config,
            chosen.relative,
        )
        for order, task in enumerate(PROFILES)
        for count in range(chosen.cells)
    ]  # fmt: skip


def main() -> None:
    """Search the cells and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    asked = EfficientConfig()
    parser.add_argument("--cells", type=int, default=200, help="of each evaluation set")
    parser.add_argument("--first", type=int, default=0, help="the first cell's seed")
    parser.add_argument("--slope", type=float, default=0.0, help="power of d of the best rate")
    parser.add_argument("--ratio", type=float, help="of the grid (default: A21's 1.157)")
    parser.add_argument("--relative", action="store_true", help="rates as a study has by default")
    parser.add_argument("--precision", type=float, default=asked.precision)
    parser.add_argument("--budget", type=float, default=asked.budget)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    chosen = parser.parse_args()
    with Pool(chosen.jobs) as pool:
        rows = list(pool.imap(outcome, jobs(chosen)))
    rates = "relative rates, the best" if chosen.relative else "the paper's rates, the best"
    print(f"{chosen.cells} cells of each set, seeds from {chosen.first}, {rates} as "
          f"d^{chosen.slope:g}, grid in steps of {10 ** jobs(chosen)[0].step:.3f}, precision "
          f"{chosen.precision:g}, budget {chosen.budget:g}")  # fmt: skip
    show(rows)


if __name__ == "__main__":
    main()
