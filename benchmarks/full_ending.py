"""What ending full fine-tunings early costs and saves, replayed on runs that were trained whole.

    python -m benchmarks.full_ending STUDY…

Each STUDY is a folder in which the paper's protocol has measured full fine-tuning (``baseline``),
such as a clone of this repository. Every run of it is replayed under `LittleToGain`, alone and
against each other run of its cell; nothing is trained.
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

from pipeline.common.sealed import read_jsonl, read_sealed
from pipeline.finetuning.ending import LittleToGain

_GAINS = (0.0, 0.0005, 0.001, 0.002, 0.005, 0.01)


@dataclass(frozen=True)
class Whole:
    """The runs of a cell that were trained to their end: a curve each, and what it is read with."""

    curves: tuple[tuple[float, ...], ...]
    chance: float
    rows: int

    def end(self, rule: LittleToGain, curve: Sequence[float]) -> int:
        """After how many evaluations the rule ends the run."""
        for seen in range(1, len(curve)):
            best = max(curve[:seen])
            error = max(math.sqrt(best * (1 - best) / self.rows), 1 / self.rows)
            if rule.ends(curve[:seen], len(curve), chance=self.chance, error=error):
                return seen
        return len(curve)


@dataclass(frozen=True)
class Replay:
    """A run that a rule ended: the share of it that was trained, and the best metric it lost."""

    share: float
    lost: float


def whole_runs(study: Path) -> Iterator[Whole]:
    """The cells of a study whose metric is accuracy, whose errors are known from their rows."""
    for path in sorted((study / "results/baseline").glob("*/*/result.json")):
        result = read_sealed(path)
        if result["metric"] != "accuracy":
            continue
        curves = defaultdict(list)
        cell = (result["model"], result["task"])
        for row in read_jsonl(path.with_name("epochs.jsonl"), cell):
            curves[row["learning_rate"], row["seed"]].append(row["metric"])
        chance = result["chance"]
        rows = round(chance * (1 - chance) / result["chance_error"] ** 2)
        yield Whole(tuple(map(tuple, curves.values())), chance, rows)


def alone(cells: Sequence[Whole], gain: float) -> list[Replay]:
    """Every run, ended when no more than ``gain`` is expected."""
    return [_replay(cell, curve, LittleToGain(gain)) for cell in cells for curve in cell.curves]


def against(cells: Sequence[Whole], gain: float) -> list[Replay]:
    """Every run against every other of its cell, as a learning rate that is no better or worse."""
    return [
        _replay(cell, curve, LittleToGain(gain, beat=max(other)))
        for cell in cells
        for other, curve in permutations(cell.curves, 2)
    ]


def _replay(cell: Whole, curve: Sequence[float], rule: LittleToGain) -> Replay:
    end, floor = cell.end(rule, curve), rule.beat or 0.0
    lost = max(*curve, floor) - max(*curve[:end], floor)
    return Replay(end / len(curve), lost)


def _line(gain: float, replays: Sequence[Replay]) -> str:
    count = len(replays)
    share = sum(replay.share for replay in replays) / count
    lost = [replay.lost for replay in replays]
    ended = sum(replay.share < 1 for replay in replays) / count
    return f"| {gain:g} | {share:.2f} | {ended:.2f} | {sum(lost) / count:.4f} | {max(lost):.3f} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", type=Path, metavar="STUDY")
    cells = [cell for study in parser.parse_args().studies for cell in whole_runs(study)]
    for name, replay in (("a run alone", alone), ("a run against another", against)):
        print(f"\n{name}\n| gain | trained | ended | lost on average | at most |")
        for gain in _GAINS:
            if replays := replay(cells, gain):
                print(_line(gain, replays))


if __name__ == "__main__":
    main()
