"""Which learning rate is best at which d, for each normalisation of the projection.

    python -m benchmarks.normalisation STUDY --checkpoint s6000 [--tasks paraphrase …]
        [--dims 64 512 4096 32768] [--epochs 5] [--journal normalisation.jsonl]

STUDY is the folder of a finished study: its data, checkpoints and parameters are read, nothing in
it is changed. For each normalisation and d, rates of a grid (half-decades) are tried around the
best one so far until it has a worse neighbour on both sides; the score of a rate is the evaluation
accuracy of the best epoch, averaged over the tasks. Finished runs are in the journal, so an
interrupted study goes on.
Prints Markdown: the best rates, how far they move over d, and what one rate for all d costs.
"""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from pipeline import device, params
from pipeline.artifacts import Journal
from pipeline.cells.cell import Cell
from pipeline.finetuning import Recipe, fine_tune
from pipeline.params import Params
from pipeline.seeds import derive
from pipeline.subspace.projection import Normalisation
from pipeline.subspace.structure import Subspace

_LOG = logging.getLogger(__name__)
_STEPS_A_DECADE = 2
NORMALISATIONS: tuple[Normalisation, ...] = ("entry", "column", "reference")

# Scores by the rate's place on the grid: rate = 10^(place / 2).
Scores = Mapping[int, float]
Table = dict[tuple[Normalisation, int], Scores]


def rate(place: int) -> float:
    """The learning rate at a place of the grid."""
    return float(10 ** (place / _STEPS_A_DECADE))


def climb(score: Callable[[int], float], start: int) -> dict[int, float]:
    """Score places from ``start`` uphill, until the best one has a worse neighbour on both sides.

    Of equally good places the middle counts, so a plateau is walked to both of its ends.
    """
    scores = {start: score(start)}
    while True:
        top = max(scores.values())
        plateau = [place for place, value in scores.items() if value == top]
        missing = [p for p in (max(plateau) + 1, min(plateau) - 1) if p not in scores]
        if not missing:
            return dict(sorted(scores.items()))
        scores[missing[0]] = score(missing[0])


def best(scores: Scores) -> float:
    """The place of the best score; the middle of several."""
    top = max(scores.values())
    return fmean(place for place, value in scores.items() if value == top)


def slope(places: Mapping[int, float]) -> float:
    """Least-squares slope of log₁₀ of the best rate over log₁₀ d."""
    x = [math.log10(d) for d in places]
    y = [place / _STEPS_A_DECADE for place in places.values()]
    middle = fmean(x)
    spread = sum((a - middle) ** 2 for a in x)
    return sum((a - middle) * b for a, b in zip(x, y, strict=True)) / spread


@dataclass(frozen=True)
class Trials:
    """Runs of one study's checkpoint, each made once."""

    config: Params
    cells: Mapping[str, Cell]
    epochs: int
    journal: Journal

    def mean(self, normalisation: Normalisation, d: int, place: int) -> float:
        """Mean accuracy over the tasks at one rate."""
        found = [self.accuracy(task, normalisation, d, place) for task in self.cells]
        _LOG.info("%s, d = %d, rate %.2g: %.4f", normalisation, d, rate(place), fmean(found))
        return fmean(found)

    def accuracy(self, task: str, normalisation: Normalisation, d: int, place: int) -> float:
        """Best epoch's evaluation accuracy of one run."""
        key = {"task": task, "normalisation": normalisation, "d": d, "place": place}
        key |= {"epochs": self.epochs, "checkpoint": self.cells[task].checkpoint}
        for row in self.journal.read():
            if {name: row[name] for name in key} == key:
                return float(row["accuracy"])
        value = self._run(self.cells[task], normalisation, d, rate(place))
        self.journal.append({**key, "accuracy": value})
        return value

    def _run(self, cell: Cell, normalisation: Normalisation, d: int, learning_rate: float) -> float:
        finetune = self.config.task(cell.task).finetune
        recipe = Recipe(
            self.epochs, finetune.batch, learning_rate, finetune.warmup_fraction,
            self.config.said.optimizer(), train_eval_rows=1,
        )  # fmt: skip
        cell.reset()
        seed = derive(cell.seed, "probe", 0)
        subspace = replace(self.config.subspace, normalisation=normalisation)
        trainable = Subspace(cell.flat, subspace, d, seed)
        run = fine_tune(cell.model, trainable, cell.data.train, cell.data.eval, recipe, seed)
        return run.best.accuracy if run.best else 0.0


def measure(trials: Trials, dims: list[int]) -> Table:
    """Climb to the best rate at each d, from the best one of the d before."""
    table: Table = {}
    for normalisation in NORMALISATIONS:
        place = round(_STEPS_A_DECADE * math.log10(5e-3))
        for d in dims:
            scores = climb(
                lambda p, d=d, n=normalisation: trials.mean(n, d, p),  # type: ignore[misc]
                place,
            )
            table[normalisation, d] = scores
            place = round(best(scores))
    return table


def one_rate(trials: Trials, table: Table, normalisation: Normalisation) -> tuple[int, float]:
    """The rate that serves all d best, and the accuracy it costs at the d where it costs most."""
    mine = {d: scores for (name, d), scores in table.items() if name == normalisation}
    places = [best(scores) for scores in mine.values()]

    def cost(place: int) -> float:
        return max(
            max(scores.values()) - trials.mean(normalisation, d, place)
            for d, scores in mine.items()
        )

    candidates = range(math.floor(min(places)), math.ceil(max(places)) + 1)
    chosen = min(candidates, key=cost)
    return chosen, cost(chosen)


def markdown(trials: Trials, table: Table, dims: list[int]) -> list[str]:
    """The study's two tables."""
    lines = [
        "| normalisation | "
        + " | ".join(f"d = {d:,}" for d in dims)
        + " | slope | one rate | costs |",
        "|---|" + "---|" * (len(dims) + 3),
    ]
    for name in NORMALISATIONS:
        places = {d: best(table[name, d]) for d in dims}
        cells = [
            f"{10 ** (places[d] / _STEPS_A_DECADE):.2g} ({max(table[name, d].values()):.3f})"
            for d in dims
        ]
        chosen, cost = one_rate(trials, table, name)
        cells += [f"{slope(places):+.2f}", f"{rate(chosen):.2g}", f"{100 * cost:.1f} points"]
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    lines += ["", "Mean accuracy at each rate that was tried:", ""]
    for (name, d), scores in table.items():
        tried = ", ".join(f"{rate(place):.2g}: {value:.3f}" for place, value in scores.items())
        lines.append(f"- `{name}`, d = {d:,}: {tried}")
    return lines


def main() -> None:
    """Measure what is not in the journal yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--tasks", nargs="+", default=["paraphrase", "polarity_short", "inference"])
    parser.add_argument("--dims", nargs="+", type=int, default=[64, 512, 4096, 32768])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--journal", type=Path, default=Path("normalisation.jsonl"))
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = params.load(chosen.study / "params.yaml")
    here = device.prepare(config.model.width)
    cells = {
        task: Cell.open(
            chosen.checkpoint, task, chosen.study / "checkpoints" / chosen.checkpoint / "model",
            chosen.study / "data/tasks" / task, config.task(task).finetune, config.seed, here,
        )
        for task in chosen.tasks
    }  # fmt: skip
    trials = Trials(config, cells, chosen.epochs, Journal(chosen.journal))
    print("\n".join(markdown(trials, measure(trials, chosen.dims), chosen.dims)))


if __name__ == "__main__":
    main()
