"""Whether forecasts of trainings hold, on recorded curves.

    python -m benchmarks.forecasts JOURNAL…

A journal is what ``benchmarks.search_real record`` leaves. After every evaluation of every probe
that had not reached its cell's target by then, the forecast says how likely it still will. The
first table has what became of those that it gave a tenth, two tenths and so on. The second one has,
by task, the trainings that reached although the stop rule, which knows nothing but the curve, would
have ended them before, and the share that it spares of those that miss.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.recorded import RecordedCell, recorded
from pipeline.common.artifacts import Journal
from pipeline.common.target import reaches
from pipeline.dimension.question import Question
from pipeline.dimension.stopping import StopRule


@dataclass(frozen=True)
class Told:
    """A recorded training: its forecasts and its end.

    Attributes:
        task: the cell's task.
        chances: that it will reach, after each evaluation before it had.
        reached: whether it did.
        lost: whether the stop rule ends it although it reaches.
        spared: the share of it that the rule spares where it misses.
    """

    task: str
    chances: tuple[float, ...]
    reached: bool
    lost: bool
    spared: float


def told(task: str, curve: list[float], question: Question) -> Told:
    """What was forecast of a whole training."""
    rule, target = StopRule(question), question.target
    begun = [curve[:done] for done in range(1, len(curve))]
    chances = tuple(rule.chance(seen) for seen in begun if not reaches(max(seen), target))
    ended = next((len(seen) for seen in begun if rule(seen)), len(curve))
    reached = reaches(max(curve), target)
    lost = reached and not reaches(max(curve[:ended]), target)
    return Told(task, chances, reached, lost, 1 - ended / len(curve))


def all_told(cells: Iterable[RecordedCell]) -> Iterator[Told]:
    """Every probe of the cells that have a target, but for those that broke down."""
    for cell in cells:
        question = cell.question() if cell.meta else None
        for row in cell.probes.values() if question else ():
            if question and not row["diverged"]:
                yield told(cell.task, row["curve"], question)


def calibration(trainings: Iterable[Told]) -> Iterator[str]:
    """A line for every tenth of chances: how many there were, their mean, and who reached."""
    tenths: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for one in trainings:
        for chance in one.chances:
            tenths[min(int(chance * 10), 9)].append((chance, one.reached))
    for tenth, held in sorted(tenths.items()):
        chance, reached = (statistics.fmean(values) for values in zip(*held, strict=True))
        named = f"{tenth / 10:.1f}-{(tenth + 1) / 10:.1f}"
        yield f"{named}  {len(held):>6}  {chance:.3f}  {reached:.3f}"


def stops(name: str, trainings: list[Told]) -> str:
    """A task's line: trainings that reach and are ended; what is spared of those that miss."""
    reached = [one for one in trainings if one.reached]
    missed = [one.spared for one in trainings if not one.reached]
    spared = statistics.fmean(missed) if missed else 0.0
    return f"{name:<16}{sum(one.lost for one in reached):>4} of {len(reached):<6}{spared:.2f}"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("journals", nargs="+", type=Path)
    journals = parser.parse_args().journals
    trainings = [one for path in journals for one in all_told(recorded(Journal(path)))]
    print("chance    times   mean   reached")
    print("\n".join(calibration(trainings)))
    print("task            lost          spared")
    for task in dict.fromkeys(one.task for one in trainings):
        print(stops(task, [one for one in trainings if one.task == task]))
    print(stops("all", trainings))


if __name__ == "__main__":
    main()
