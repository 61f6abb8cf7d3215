"""Which learning rate is best at which d, for each normalisation of the projection.

    python -m benchmarks.normalisation STUDY --checkpoint s4000 [--tasks paraphrase …]
        [--dims 64 512 4096 32768] [--only entry …] [--epochs 5] [--journal normalisation.jsonl]

STUDY is the folder of a finished study: its data, checkpoints and parameters are read, nothing in
it is changed. For each normalisation and d, a window of rates (half-decades) is scanned, and made
wider until the best one is inside; the score of a rate is the evaluation accuracy of the best
epoch, averaged over the tasks. Finished runs are in the journal, so an interrupted study goes on.
Prints Markdown: the best rates, how far they move over d, and what one rate for all d costs.
"""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from pipeline import paths
from pipeline.common.artifacts import Journal
from pipeline.common.seeds import derive
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.loop import fine_tune
from pipeline.finetuning.recipe import Recipe
from pipeline.study.checks import SHARED_TOKENS
from pipeline.study.params import Params
from pipeline.study.reading import load_params
from pipeline.subspace.config import Normalisation
from pipeline.subspace.reparameterisation import Subspace

_LOG = logging.getLogger(__name__)
_STEPS_A_DECADE = 2
# Half-decades on either side of where a scan begins.
_REACH = 2
NORMALISATIONS: tuple[Normalisation, ...] = ("entry", "column", "reference")

# Scores by the rate's place on the grid: rate = 10^(place / 2).
Scores = Mapping[int, float]
Table = dict[tuple[Normalisation, int], Scores]


def rate(place: int) -> float:
    """The learning rate at a place of the grid."""
    return float(10 ** (place / _STEPS_A_DECADE))


def scan(score: Callable[[int], float], centre: int) -> dict[int, float]:
    """Score the places around ``centre``, and on until the best one is at neither end.

    A window instead of a climb, because accuracy over the rate has more than one summit.
    """
    scores = {place: score(place) for place in range(centre - _REACH, centre + _REACH + 1)}
    while True:
        top = max(scores.values())
        ends = [min(scores), max(scores)]
        if scores[ends[0]] == top:
            scores[ends[0] - 1] = score(ends[0] - 1)
        elif scores[ends[1]] == top:
            scores[ends[1] + 1] = score(ends[1] + 1)
        else:
            return dict(sorted(scores.items()))


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

    @property
    def size(self) -> int:
        """D, about: the tasks' heads differ by a few parameters."""
        return next(iter(self.cells.values())).flat.size

    def mean(self, normalisation: Normalisation, d: int, place: int) -> float:
        """Mean accuracy over the tasks at one rate."""
        found = [self.accuracy(task, normalisation, d, place) for task in self.cells]
        _LOG.info("%s, d = %d, rate %.2g: %.4f", normalisation, d, rate(place), fmean(found))
        return fmean(found)

    def accuracy(self, task: str, normalisation: Normalisation, d: int, place: int) -> float:
        """Best epoch's evaluation accuracy of one run."""
        key = {"task": task, "normalisation": normalisation, "d": d, "place": place}
        key |= {"epochs": self.epochs, "checkpoint": self.cells[task].name}
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
            self.config.search.optimizer, train_eval_rows=1,
        )  # fmt: skip
        cell.reset()
        seed = derive(cell.seed, "probe", 0)
        subspace = replace(self.config.subspace, normalisation=normalisation)
        trainable = Subspace(cell.flat, subspace, d, seed)
        run = fine_tune(cell.network, trainable, cell.data.train, cell.data.eval, recipe, seed)
        return run.best.metric if run.best else 0.0


def measure(trials: Trials, dims: list[int], chosen: Sequence[Normalisation]) -> Table:
    """Scan the rates at each d, around 0.01 times what makes θ^D move as with ``entry``."""
    table: Table = {}
    for normalisation in chosen:
        for d in dims:
            move = 1.0 if normalisation == "entry" else math.sqrt(trials.size / d)
            table[normalisation, d] = scan(
                lambda place, d=d, n=normalisation: trials.mean(n, d, place),  # type: ignore[misc]
                round(_STEPS_A_DECADE * math.log10(0.01 * move)),
            )
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


def markdown(
    trials: Trials, table: Table, dims: list[int], chosen: Sequence[Normalisation]
) -> list[str]:
    """The study's two tables."""
    lines = [
        "| normalisation | "
        + " | ".join(f"d = {d:,}" for d in dims)
        + " | slope | one rate | costs |",
        "|---|" + "---|" * (len(dims) + 3),
    ]
    for name in chosen:
        places = {d: best(table[name, d]) for d in dims}
        cells = [
            f"{10 ** (places[d] / _STEPS_A_DECADE):.2g} ({max(table[name, d].values()):.3f})"
            for d in dims
        ]
        common, cost = one_rate(trials, table, name)
        cells += [f"{slope(places):+.2f}", f"{rate(common):.2g}", f"{100 * cost:.1f} points"]
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
    parser.add_argument("--only", nargs="+", choices=NORMALISATIONS, default=NORMALISATIONS)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--journal", type=Path, default=Path("normalisation.jsonl"))
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    config = load_params(chosen.study / "params.yaml")
    cells = {
        task: Cell.open(
            name=chosen.checkpoint, task=task,
            model_dir=chosen.study / paths.model(chosen.checkpoint),
            task_dir=chosen.study / paths.task(SHARED_TOKENS, task),
            config=config.task(task).finetune, seed=config.seed,
        )
        for task in chosen.tasks
    }  # fmt: skip
    trials = Trials(config, cells, chosen.epochs, Journal(chosen.journal))
    table = measure(trials, chosen.dims, chosen.only)
    print("\n".join(markdown(trials, table, chosen.dims, chosen.only)))


if __name__ == "__main__":
    main()
