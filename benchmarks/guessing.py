"""What guessing ahead would save and waste in an efficient search, on simulated cells.

    python -m benchmarks.guessing [--cells 10] [--first SEED] [--workers 2 4] [--jobs 1]

An efficient search asks for a probe, and ends its training, by what all before it came to. With
k workers the others could train what it is likely to ask for next: outcomes of the probe that is
asked for are supposed as the posterior expects them, the likeliest first, and so on from there. A
guess serves where the search asks for that probe and would end its training at the same evaluation;
the answer is then that of one worker, byte for byte. All else is wasted. A guess that is not likely
any more goes on until its worker is needed. Prints for each task and k the time and the work, both
in evaluations, over those of one worker.
"""

from __future__ import annotations

import argparse
import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count, islice
from multiprocessing import Pool

from benchmarks.search_protocols import APART
from benchmarks.simulated_cell import Job
from pipeline.dimension.belief import belief
from pipeline.dimension.driver import cut
from pipeline.dimension.efficient import EfficientSearch
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.estimate.simulate import PROFILES, Problem

Records = Mapping[Probe, Record]
# A training is known by its probe and by where it ended.
Training = tuple[Probe, int]
# Below the target by so much is a miss.
_JUST_BELOW = 1e-3
# A worker without anything likely to do waits.
_GUESSES = 3


@dataclass
class Workers:
    """Trainings that run, and those that have ended; time goes by in evaluations.

    Attributes:
        count: how many train at a time.
        now: the time.
        spent: evaluations trained by all.
        ends: when each training that runs will have ended.
        done: what has ended.
    """

    count: int
    now: int = 0
    spent: int = 0
    ends: dict[Training, int] = field(default_factory=dict)
    done: set[Training] = field(default_factory=set)

    def start(self, training: Training) -> None:
        """Start a training, unless it runs or has ended."""
        if training not in self.done:
            self.ends.setdefault(training, self.now + training[1])

    def drop(self, keep: Training) -> None:
        """Give up the training that has longest to go, if the one to keep has no worker."""
        if len(self.ends) == self.count and keep not in self.ends:
            del self.ends[max(self.ends, key=lambda one: self.ends[one])]

    def go_on(self) -> None:
        """Until the next training has ended."""
        then = min(self.ends.values())
        self.spent += (then - self.now) * len(self.ends)
        self.now = then
        ended = {one for one, end in self.ends.items() if end == then}
        self.done |= ended
        for one in ended:
            del self.ends[one]


@dataclass(frozen=True)
class Spread:
    """A search with several workers: evaluations that one worker trains, the time, and the work."""

    alone: int
    time: int
    work: int


def spread(problem: Problem, config: EfficientConfig, workers: int) -> Spread:
    """Search a cell with guesses."""
    search, records = EfficientSearch(problem.question, config), dict[Probe, Record]()
    own, alone = Workers(workers), 0
    while isinstance(asked := search.next(records), Probe):
        record = cut(problem.training(asked), search.rule(asked, records))
        training = asked, len(record.curve)
        alone += len(record.curve)
        if training not in own.done:
            own.drop(keep=training)
            own.start(training)
        guesses = islice(_guesses(problem, search, records, asked), _GUESSES * workers)
        while training not in own.done:
            while len(own.ends) < workers and (guess := next(guesses, None)):
                own.start(guess)
            own.go_on()
        records[asked] = record
    return Spread(alone, own.now, own.spent)


def _guesses(
    problem: Problem, search: EfficientSearch, records: Records, asked: Probe
) -> Iterator[Training]:
    """What the search is likely to ask for after a probe, the likeliest first."""
    order = count()
    ways: list[tuple[float, int, Records, Probe]] = [(-1.0, next(order), records, asked)]
    while ways:
        chance, _, before, probe = heapq.heappop(ways)
        for share, outcome in _outcomes(search, before, probe):
            supposed = {**before, probe: outcome}
            following = search.next(supposed)
            if isinstance(following, Probe):
                rule = search.rule(following, supposed)
                yield following, len(cut(problem.training(following), rule).curve)
                heapq.heappush(ways, (chance * share, next(order), supposed, following))


def _outcomes(
    search: EfficientSearch, records: Records, probe: Probe
) -> list[tuple[float, Record]]:
    """How a probe may come out, with probabilities, the likelier first."""
    question = search.question
    known = belief(question, records.values())
    place = question.rates.decades(probe.d, probe.learning_rate)
    reaches, (mean, _) = known.reaches(probe.d, place), known.expects(probe.d, place)
    level = min(mean, question.target - _JUST_BELOW)
    both = [
        (reaches, Record(probe, (question.target,), Ending.REACHED)),
        (1 - reaches, Record(probe, (level,) * question.evaluations)),
    ]
    return sorted(both, key=lambda one: -one[0])


def _cell(work: tuple[Job, int]) -> Spread:
    job, workers = work
    return spread(job.problem(), job.config, workers)


def main() -> None:
    """Search the cells and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--cells", type=int, default=10, help="of each evaluation set")
    parser.add_argument("--first", type=int, default=0, help="the first cell's seed")
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 4])
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    chosen = parser.parse_args()
    print("| cells | workers | time | work | wasted |\n|---|---|---|---|---|")
    with Pool(chosen.jobs) as pool:
        for order, task in enumerate(PROFILES):
            seeds = [APART * order + chosen.first + number for number in range(chosen.cells)]
            jobs = [Job(task, seed, 0.0, None, EfficientConfig()) for seed in seeds]
            for workers in chosen.workers:
                rows = pool.map(_cell, [(job, workers) for job in jobs])
                alone, work = sum(row.alone for row in rows), sum(row.work for row in rows)
                time = sum(row.time for row in rows) / alone
                print(
                    f"| {task}: {len(rows)} | {workers} | {time:.2f} | {work / alone:.2f} "
                    f"| {1 - alone / work:.0%} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
