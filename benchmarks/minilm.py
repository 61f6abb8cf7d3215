"""The default relative rate on a real pretrained encoder: accuracy over d, and d₉₀ read from it.

    python -m benchmarks.minilm MODEL_FOLDER --rows TRAIN.jsonl EVAL.jsonl --out FOLDER
        [--columns text label] [--full-rates 5e-5 1e-4 2e-4] [--relative 0.35] [--dims 64 1024 …]
        [--epochs 4] [--batch 16] [--search]

MODEL_FOLDER is any encoder of Hugging Face's with its tokenizer, the rows are texts with a label.
It is fine-tuned fully with a few rates; then every κ from a quarter to four times the default one
is tried at every d and at all of D (`pipeline.subspace.step_size`). Prints accuracy over d with the
default κ and with each d's best one, and the smallest d that reaches 0.9 of full fine-tuning's
accuracy, interpolated in log d; with ``--search`` also what the project's own search finds.
Finished trainings are kept in FOLDER, so an interrupted benchmark goes on.
"""

from __future__ import annotations

import argparse
import json
import logging
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.normalisation import kappa, relative
from benchmarks.trials import Trials, with_used_words
from pipeline.common.artifacts import Journal
from pipeline.dimension.grid import GridConfig
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SearchConfig
from pipeline.probes.result import SearchResult
from pipeline.probes.search import search_cell
from pipeline.published.fetching import fetch
from pipeline.published.place import Place
from pipeline.subspace.config import SubspaceConfig
from pipeline.tasks.config import Columns, TaskDataConfig
from pipeline.tasks.prepare import prepare_task
from pipeline.text.files import FilesConfig
from pipeline.text.sources import RowSource

_FRACTION = 0.9
_SEED = 0
# κ from a quarter to four times the default, in factors of 2.
_PLACES = range(-2, 3)
_MAX_LENGTH = 128

# Accuracy by d and by place: κ = the default · 2^place.
Swept = Mapping[int, Mapping[int, float]]


def open_rows(
    model: Path, rows: Sequence[Path], columns: Sequence[str], out: Path, finetune: FinetuneConfig
) -> Cell:
    """The model opened for the rows; both are copied to ``out`` as stages would leave them."""
    lines = [json.loads(line) for line in rows[0].read_text().splitlines()]
    labels = tuple(sorted({str(line[columns[1]]) for line in lines}))
    train, evaluation = ((RowSource(files=FilesConfig((str(path),))),) for path in rows)
    data = TaskDataConfig(
        train=train,
        eval=evaluation,
        columns=Columns(columns[0], None, columns[1]),
        labels=labels,
        max_length=_MAX_LENGTH,
    )
    if not (out / "model").exists():
        fetch(Place(str(model), source="folder"), 0, out / "model")
    prepare_task("rows", data, out / "model", _SEED, out / "task")
    return Cell.open(
        name="model", task="rows", model_dir=out / "model", task_dir=out / "task",
        config=finetune, seed=_SEED,
    )  # fmt: skip


def sweep(trials: Trials, full: float, default: float, dims: Sequence[int]) -> Swept:
    """Every κ at every d."""
    centre = math.log2(default)
    swept = {}
    for d in dims:
        at = relative(trials, full, d)
        swept[d] = {place: at(centre + place) for place in _PLACES}
    return swept


def reaching(accuracies: Mapping[int, float], target: float) -> float | None:
    """The smallest d that reaches the target, interpolated in log d; None where none does.

    Below the first d nothing is known: it is returned where it reaches already.
    """
    before: tuple[int, float] | None = None
    for d, value in sorted(accuracies.items()):
        if value >= target:
            if before is None:
                return float(d)
            share = (target - before[1]) / (value - before[1])
            return float(before[0] * (d / before[0]) ** share)
        before = d, value
    return None


def searched_d90(
    cell: Cell, *, full: float, trials: Trials, dims: Sequence[int], out: Path
) -> SearchResult:
    """What the project's own search finds on a grid of factors of 2, with the default rates."""
    finetune = FinetuneConfig(
        trials.finetune.epochs, trials.finetune.batch, (full,), dropout=None, train_eval_rows=1
    )
    found = fine_tune_fully(cell, finetune, out / "scratch/full", out / "full")
    search = SearchConfig(
        GridConfig(minimum=dims[0], maximum=dims[-1], ratio=2.0),
        fraction=_FRACTION,
    )
    return search_cell(
        cell, search=search, subspace=trials.subspace, finetune=finetune, full=found,
        neighbour=None, scratch=out / "scratch/search", out=out / "search",
    )  # fmt: skip


def markdown(swept: Swept, default: float, full: float, accuracy: float) -> list[str]:
    """The table of accuracies, and the d that each way of choosing κ needs."""
    target = _FRACTION * accuracy
    heads = [f"κ = {kappa(math.log2(default) + place)}" for place in _PLACES]
    lines = [
        f"Full fine-tuning {accuracy:.3f} at {full:g}; target {target:.3f}.",
        "",
        f"| d | {' | '.join(heads)} | default | best |",
        "|---|" + "---|" * (len(heads) + 2),
    ]
    for d, scores in swept.items():
        row = [*scores.values(), scores[0], max(scores.values())]
        lines.append(f"| {d:,} | " + " | ".join(f"{value:.3f}" for value in row) + " |")
    ways = {
        "default": {d: scores[0] for d, scores in swept.items()},
        "best": {d: max(scores.values()) for d, scores in swept.items()},
    }
    for name, accuracies in ways.items():
        d = reaching(accuracies, target)
        lines += ["", f"Smallest d with the {name} κ: {'none' if d is None else f'{d:,.0f}'}"]
    return lines


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rows", nargs=2, type=Path, required=True, metavar=("TRAIN", "EVAL"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--columns", nargs=2, default=["text", "label"])
    parser.add_argument("--full-rates", nargs="+", type=float, default=[5e-5, 1e-4, 2e-4])
    parser.add_argument("--relative", type=float, default=0.35, help="the default κ")
    parser.add_argument("--dims", nargs="+", type=int, default=[64, 1024, 16384, 262144])
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--search", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Measure what is not in the journal yet, and print the table."""
    chosen = arguments()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    finetune = FinetuneConfig(
        chosen.epochs, chosen.batch, tuple(chosen.full_rates), dropout=None, train_eval_rows=1
    )
    whole = open_rows(chosen.model, chosen.rows, chosen.columns, chosen.out, finetune)
    size = whole.flat.size
    cell = with_used_words(whole)
    journal = Journal(chosen.out / "trials.jsonl")
    trials = Trials("model", {"rows": cell}, size, SubspaceConfig(), finetune, 1, journal)
    full = max(chosen.full_rates, key=trials.full)
    dims = trials.dims(chosen.dims)
    swept = sweep(trials, full, chosen.relative, dims)
    print("\n".join(markdown(swept, chosen.relative, full, trials.full(full))))
    if chosen.search:
        found = searched_d90(cell, full=full, trials=trials, dims=dims, out=chosen.out)
        print(f"\nSearched: {found.status}, d90 {found.d90} [{found.d90_low}, {found.d90_high}]")


if __name__ == "__main__":
    main()
