"""Both protocols on real cells, replayed from recorded curves.

    python -m benchmarks.search_real record STUDY JOURNAL
    python -m benchmarks.search_real replay JOURNAL… [--studies STUDY…] [--rates 0.25 0.5 1]
        [--precision P] [--budget B]

A study is a folder with ``params.yaml``, ``data/`` and ``checkpoints/`` of a finished study.
``record`` trains, for all epochs, three full fine-tunings of every cell and what the paper's search
asks for; interrupted, it goes on where it was. ``replay`` lets both protocols search: the efficient
one is given each curve up to where its rule would have ended the training, the relative rates that
``--rates`` names (the laptop preset has 0.5 alone), and the previous checkpoint's answer on the
same task as its neighbour. What it asks for and is not recorded is trained and recorded where the
journal's study is given; otherwise the cell is reported as incomplete. Epochs of the paper's search
are those of every rate at each d that it tries, although a recording leaves the rest once one rate
has reached.

The paper's verdict is inside the interval where its d is; "not reached" is inside where the
interval reaches beyond the grid, and the smallest d of the grid where the interval begins at or
below it. The ends of an interval lie at most half a decade outside the grid, but for the upper one
where no training of the search reached, which is open: such a ratio is infinite.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.recorded import EPOCHS, MULTIPLES, SEARCHED, RecordedCell, recorded
from benchmarks.recording import Recorder, record, recorders
from pipeline.common.artifacts import Journal
from pipeline.dimension.driver import cut, drive
from pipeline.dimension.estimate import Estimate, estimate_d90
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS, Strategy
from pipeline.dimension.question import Near, Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.search import BinarySearch
from pipeline.dimension.stopping import Stop
from pipeline.dimension.verdict import Verdict
from pipeline.errors import UserError
from pipeline.estimate.simulate import Answer
from pipeline.probes.neighbour import Neighbour


class NotRecordedError(Exception):
    """A search asked for a training that is neither recorded nor can be made."""


@dataclass(frozen=True)
class Source:
    """Where a cell's trainings come from: the recording, and the study if it is at hand."""

    known: RecordedCell
    recorder: Recorder | None = None

    def search(self, strategy: Strategy, question: Question) -> Answer:
        """Let a strategy search.

        Raises:
            NotRecordedError: it asks for what is not recorded, and there is no study.
        """

        def train(probe: Probe, stop: Stop) -> Record:
            return cut(self._whole(probe, question), stop)

        return Answer(*drive(strategy, train))

    def _whole(self, probe: Probe, question: Question) -> Record:
        if self.recorder is not None:
            return self.recorder.probe(probe, question)
        found = self.known.record(probe, question)
        if found is None:
            d, seed, multiple = self.known.place(probe, question)
            raise NotRecordedError(f"d = {d}, seed {seed}, {multiple:g} units")
        return found


@dataclass(frozen=True)
class Compared:
    """A cell's two searches.

    Attributes:
        seed: the journal's name.
        cell: what is recorded of it.
        grid: the values of d.
        paper: the paper's verdict, and ``paper_epochs`` its cost.
        short: the efficient search's verdict, with its ``estimate`` and ``epochs``.
    """

    seed: str
    cell: RecordedCell
    grid: tuple[int, ...]
    paper: Verdict
    paper_epochs: int
    short: Verdict
    estimate: Estimate
    epochs: int

    @property
    def inside(self) -> bool:
        """Whether the paper's verdict lies in the interval."""
        low, high, d90 = self.estimate.low, self.estimate.high, self.paper.d90_paper
        if d90 is None:
            return high > self.grid[-1]
        return low <= d90 and (high >= d90 or d90 == self.grid[0])

    @property
    def ratio(self) -> float:
        """The interval's upper over its lower end."""
        return self.estimate.high / self.estimate.low

    def line(self) -> str:
        """A line of the table."""
        estimate = self.estimate
        return (
            f"{self._name()}{_words(self.paper):>9}{_words(self.short):>9}"
            f"{estimate.d90:>9.0f}  {f'{estimate.low:.0f} – {estimate.high:.0f}':<16}"
            f"{'' if self.inside else 'OUTSIDE':<8}{self.ratio:>7.1f}"
            f"{self.epochs:>7} of {self.paper_epochs:>4}  {self.short.ended}"
        )

    def _name(self) -> str:
        return f"{self.seed:<10}{self.cell.checkpoint:<8}{self.cell.task:<16}"


def _words(verdict: Verdict) -> str:
    if verdict.d90_paper is not None:
        return str(verdict.d90_paper)
    return "?" if verdict.lower is None else f"> {verdict.lower}"


def compare(
    seed: str,
    sources: Iterator[Source],
    config: EfficientConfig,
    rates: Sequence[float] = SEARCHED,
) -> Iterator[Compared | str]:
    """Search the cells that have a target, a checkpoint after its neighbour; or why one is not."""
    near: dict[str, Near | None] = {}
    for source in sources:
        known = source.known
        question = known.question(near.get(known.task)) if known.meta else None
        if question is None:
            continue
        near[known.task] = None
        try:
            found, records = _searched(seed, source, question, config, rates)
        except NotRecordedError as missing:
            yield f"{seed:<10}{known.checkpoint:<8}{known.task:<16}incomplete: {missing}"
            continue
        near[known.task] = _answer(found, records, question)
        yield found


def _searched(
    seed: str, source: Source, question: Question, config: EfficientConfig, rates: Sequence[float]
) -> tuple[Compared, Mapping[Probe, Record]]:
    paper = source.search(Strategy(BinarySearch(question)), question)
    fewer = replace(question, rates=replace(question.rates, multiples=tuple(rates)))
    short = source.search(PROTOCOLS["efficient"](fewer, config), fewer)
    estimate = estimate_d90(fewer, short.records.values(), fewer.noise)
    tried = {probe.d for probe in paper.records}
    epochs = len(tried) * len(MULTIPLES) * EPOCHS
    verdicts = paper.verdict, epochs, short.verdict
    found = Compared(seed, source.known, question.grid, *verdicts, estimate, short.epochs)
    return found, short.records


def _answer(found: Compared, records: Mapping[Probe, Record], question: Question) -> Near | None:
    """What the next checkpoint's search starts from."""
    estimate, won = found.estimate, found.short.winner
    rate = question.rates.decades(won.d, won.learning_rate) if won in records and won else None
    _, d90, _ = estimate.within(question.grid)
    checkpoint, task = found.cell.checkpoint, found.cell.task
    return Neighbour(checkpoint, task, estimate.status, d90, rate, estimate.habits).near()


def total(name: str, rows: Sequence[Compared]) -> str:
    """The sums of some cells."""
    paper = sum(row.cell.tokens * row.paper_epochs for row in rows)
    short = sum(row.cell.tokens * row.epochs for row in rows)
    same = sum(_words(row.paper) == _words(row.short) for row in rows)
    return (
        f"{name}: {len(rows)} cells, training tokens 1/{paper / short:.2f}, "
        f"{sum(row.inside for row in rows)} of the paper's verdicts in the interval, {same} the "
        f"same number, median ratio {statistics.median(row.ratio for row in rows):.2f}"
    )


def sources(journal: Journal, study: Path | None) -> Iterator[Source]:
    """Every cell of a journal; with its study also those that are not recorded yet."""
    if study is None:
        return (Source(known) for known in recorded(journal))
    return (Source(recorder.known, recorder) for recorder in recorders(study, journal))


def replay(chosen: argparse.Namespace) -> None:
    """Print a line a cell and the totals."""
    studies: list[Path | None] = [*chosen.studies] or [None] * len(chosen.journals)
    if len(studies) != len(chosen.journals):
        raise UserError(f"there are {len(chosen.journals)} journals and {len(studies)} studies: "
                        "give one study a journal, or none")  # fmt: skip
    config = EfficientConfig(precision=chosen.precision, budget=chosen.budget)
    print(f"{'journal':<10}{'model':<8}{'task':<16}{'paper':>9}{'search':>9}{'estimate':>9}"
          f"  {'interval':<24}{'ratio':>7}{'epochs':>15}  ended")  # fmt: skip
    rows: list[Compared] = []
    for path, study in zip(chosen.journals, studies, strict=True):
        for found in compare(path.stem, sources(Journal(path), study), config, chosen.rates):
            print(found if isinstance(found, str) else found.line(), flush=True)
            rows += [] if isinstance(found, str) else [found]
    for seed in dict.fromkeys(row.seed for row in rows):
        print(total(seed, [row for row in rows if row.seed == seed]))
    if rows:
        print(total("all", rows))


def main() -> None:
    """Record or replay."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    recording = commands.add_parser("record")
    recording.add_argument("study", type=Path)
    recording.add_argument("journal", type=Path)
    replaying = commands.add_parser("replay")
    replaying.add_argument("journals", nargs="+", type=Path)
    replaying.add_argument("--studies", nargs="+", type=Path, default=[], help="one a journal")
    replaying.add_argument("--rates", nargs="+", type=float, choices=MULTIPLES, default=SEARCHED,
                           help="relative learning rates of the search")  # fmt: skip
    asked = EfficientConfig()
    replaying.add_argument("--precision", type=float, default=asked.precision)
    replaying.add_argument("--budget", type=float, default=asked.budget)
    chosen = parser.parse_args()
    if chosen.command == "record":
        record(chosen.study, Journal(chosen.journal))
    else:
        replay(chosen)


if __name__ == "__main__":
    main()
