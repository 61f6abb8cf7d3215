"""Which relative learning rate is best at which d, and what one for all d, widths and models costs.

    python -m benchmarks.normalisation STUDY:MODEL… [--tasks paraphrase …] [--dims 16 128 …]
        [--normalisation entry] [--epochs 4] [--seeds 1] [--journal normalisation.jsonl]

STUDY is the folder of a study, MODEL a checkpoint or published model that it has made; its data and
parameters are read, nothing in it is changed. First full fine-tuning's own best rate is found: what
a relative rate κ is relative to (`pipeline.subspace.step_size`). Then a window of κ (factors of 2)
is scanned at each d and at all of D, and made wider until the best one is inside; the score is the
evaluation accuracy of the best epoch, averaged over those of the tasks that the study has. Finished
trainings are in the journal, so an interrupted benchmark goes on. Prints Markdown: the best κ, by
how much it moves, and what one κ costs.
"""

from __future__ import annotations

import argparse
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from benchmarks.trials import Trials, with_used_words
from pipeline import paths
from pipeline.common.artifacts import Journal
from pipeline.finetuning.cell import Cell
from pipeline.study.measured import measured_models
from pipeline.study.reading import load_params

# Factors of 2 on either side of where a scan begins.
_REACH = 1
# Where a scan of κ begins: 1/4.
_CENTRE = -2

# Scores by the place on the grid: κ = 2^place.
Scores = Mapping[int, float]
Table = dict[tuple[str, int], Scores]


def scan(score: Callable[[int], float], centre: int, reach: int = _REACH) -> dict[int, float]:
    """Score the places around ``centre``, and on until the best one is at neither end.

    A window instead of a climb, because accuracy over the rate has more than one summit.
    """
    scores = {place: score(place) for place in range(centre - reach, centre + reach + 1)}
    while True:
        top = max(scores.values())
        ends = [min(scores), max(scores)]
        if scores[ends[0]] == top:
            scores[ends[0] - 1] = score(ends[0] - 1)
        elif scores[ends[1]] == top:
            scores[ends[1] + 1] = score(ends[1] + 1)
        else:
            return dict(sorted(scores.items()))


def best(scores: Scores, error: float = 0.0) -> float:
    """The place of the best score; the middle of those within ``error`` of it."""
    least = max(scores.values()) - error
    return fmean(place for place, value in scores.items() if value >= least)


def slope(places: Mapping[int, float]) -> float:
    """Least-squares slope of log₂ κ over log₂ d: the power that the unit leaves over."""
    x = [math.log2(d) for d in places]
    middle = fmean(x)
    spread = sum((a - middle) ** 2 for a in x)
    return sum((a - middle) * b for a, b in zip(x, places.values(), strict=True)) / spread


def full_rate(trials: Trials) -> float:
    """Full fine-tuning's best rate, in factors of 2 around the study's own first one.

    Of rates that differ by less than a standard error the middle is taken.
    """
    first = trials.finetune.learning_rates[0]
    scores = scan(lambda place: trials.full(first * 2.0**place), 0)
    return first * 2.0 ** round(best(scores, trials.error(max(scores.values()))))


def relative(trials: Trials, full: float, d: int) -> Callable[[int], float]:
    """The accuracy at d by place."""
    return lambda place: trials.inside(d, 2.0**place * trials.unit(full, d))


def costs(table: Table) -> dict[int, dict[tuple[str, int], float]]:
    """What each κ that was tried everywhere loses against the best one, by model and d."""
    common = set.intersection(*(set(scores) for scores in table.values()))
    return {
        place: {key: max(scores.values()) - scores[place] for key, scores in table.items()}
        for place in sorted(common)
    }


def kappa(place: float) -> str:
    """κ in two digits."""
    return f"{2.0**place:.2g}"


def best_rows(trials: Trials, full: float, table: Table) -> list[str]:
    """A model's lines: the best κ at each d with its accuracy, and all that was tried."""
    mine = {d: scores for (name, d), scores in table.items() if name == trials.name}
    places = {d: best(scores, trials.error(max(scores.values()))) for d, scores in mine.items()}
    moved = kappa(max(places.values()) - min(places.values()))
    lines = [
        "",
        f"{trials.name}: D = {trials.size:,}, full fine-tuning {trials.full(full):.3f} at "
        f"{full:g}; the best κ moves by a factor of {moved}, as d^{slope(places):+.2f}",
        "",
        "| d | best κ | learning rate | accuracy by κ |",
        "|---|---|---|---|",
    ]
    for d, scores in mine.items():
        rate = 2.0 ** places[d] * trials.unit(full, d)
        tried = ", ".join(f"{kappa(place)}: {value:.3f}" for place, value in scores.items())
        lines.append(f"| {d:,} | {kappa(places[d])} | {rate:.2g} | {tried} |")
    return lines


def cost_rows(table: Table) -> list[str]:
    """What one κ for everything costs, in points of accuracy."""
    lines = ["", "| κ | mean cost | worst | where |", "|---|---|---|---|"]
    for place, lost in costs(table).items():
        name, d = max(lost, key=lambda key: lost[key])
        mean, worst = 100 * fmean(lost.values()), 100 * lost[name, d]
        lines.append(f"| {kappa(place)} | {mean:.1f} | {worst:.1f} | {name}, d = {d:,} |")
    return lines


def opened(place: str, chosen: argparse.Namespace) -> Trials:
    """The trials of a model, from ``STUDY:MODEL``."""
    study, _, name = place.rpartition(":")
    folder, config = Path(study), load_params(Path(study) / "params.yaml")
    model = next(one for one in measured_models(config) if one.name == name)
    tasks = [task for task in config.tasks if not chosen.tasks or task in chosen.tasks]
    whole = {
        task: Cell.open(
            name=name, task=task, model_dir=folder / paths.model(name),
            task_dir=folder / paths.task(model.tokens, task),
            config=config.task(task).finetune, seed=config.seed,
        )
        for task in tasks
    }  # fmt: skip
    finetune = config.task(tasks[0]).finetune
    return Trials(
        name=f"{folder.name}:{name}",
        cells={task: with_used_words(cell) for task, cell in whole.items()},
        size=max(cell.flat.size for cell in whole.values()),
        subspace=replace(config.subspace, normalisation=chosen.normalisation),
        finetune=replace(finetune, epochs=chosen.epochs or finetune.epochs),
        seeds=chosen.seeds,
        journal=Journal(chosen.journal),
    )


def measure(models: Sequence[Trials], dims: list[int]) -> list[str]:
    """Scan every model at every d; return the tables."""
    table: Table = {}
    lines: list[str] = []
    for trials in models:
        full = full_rate(trials)
        for d in trials.dims(dims):
            table[trials.name, d] = scan(relative(trials, full, d), _CENTRE)
        lines += best_rows(trials, full, table)
    return lines + cost_rows(table)


def main() -> None:
    """Measure what is not in the journal yet, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="STUDY:MODEL")
    parser.add_argument("--tasks", nargs="+", default=[], help="all of the study's by default")
    parser.add_argument("--dims", nargs="+", type=int, default=[16, 128, 1024, 8192, 65536])
    parser.add_argument("--normalisation", choices=["entry", "column"], default="entry")
    parser.add_argument("--epochs", type=int, help="the study's own by default")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--journal", type=Path, default=Path("normalisation.jsonl"))
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    models = [opened(place, chosen) for place in chosen.models]
    print("\n".join(measure(models, chosen.dims)))


if __name__ == "__main__":
    main()
