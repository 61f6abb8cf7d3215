"""Certificates of a study's cells with as many training rows as are asked for.

    python -m benchmarks.certificates STUDY [--rows 30000] [--tasks polarity_short …]
        [--models s0 s800] [--d 50 100 200] [--levels 3 5] [--epochs 2]

STUDY is the folder of a finished study of the embedded world. Its tasks are made anew with so many
training rows; rates and seeds are the study's. Of 30,000 rows of `polarity_short` 20,356 differ and
count. Prints Markdown, a row a cell: the best candidate, its file's bits, errors, the bound,
Hoeffding's form, √(d/m) and the majority's error.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline import paths
from pipeline.certificates.certify import Certifier
from pipeline.certificates.config import CertificateConfig
from pipeline.certificates.result import CertificateResult
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.result import FullResult
from pipeline.probes.result import SearchResult
from pipeline.study.params import Params
from pipeline.study.reading import load_params
from pipeline.tasks.config import TaskDataConfig
from pipeline.tasks.prepare import prepare_task

COLUMNS = (
    "model", "task", "m", "d", "levels", "bits", "training error", "evaluation error", "bound",
    "Hoeffding", "√(d/m)", "majority",
)  # fmt: skip


def larger(data: TaskDataConfig, rows: int) -> TaskDataConfig:
    """The task with so many training rows of the embedded world."""
    source = data.train[0]
    assert source.synthetic is not None, "only the embedded world makes rows as it is asked to"
    synthetic = replace(source.synthetic, rows=rows)
    return replace(data, train=(replace(source, synthetic=synthetic),), train_rows=None)


def certify(
    params: Params, model: str, task: str, config: CertificateConfig, *, rows: int, epochs: int,
    folder: Path,
) -> CertificateResult:  # fmt: skip
    """Certify a cell of the study in the working directory, its task made anew in ``folder``."""
    data = larger(params.task(task).data, rows)
    prepare_task(task, data, paths.TOKENIZER, params.seed, folder / "task")
    finetune = replace(params.task(task).finetune, epochs=epochs)
    cell = Cell.open(
        name=model, task=task, model_dir=paths.model(model), task_dir=folder / "task",
        config=finetune, seed=params.seed,
    )  # fmt: skip
    certifier = Certifier.of(
        cell, search=replace(params.search, epochs=epochs), subspace=params.subspace,
        finetune=finetune, full=FullResult.read(paths.full_result(model, task)), config=config,
        scratch=folder / "scratch",
    )  # fmt: skip
    found = SearchResult.read(paths.search(model, task) / "result.json")
    return certifier.certify(found, folder / "out")


def line(result: CertificateResult) -> str:
    """The best candidate as a row of the table."""
    assert result.best is not None, f"{result.model}-{result.task}: {result.reason}"
    best = result.candidates[result.best]
    bound = result.certificate(best)
    shares = (best.train_error, best.eval_error, bound.bound, bound.hoeffding, bound.complexity,
              result.majority_error)  # fmt: skip
    numbers = " | ".join(f"{share:.3f}" for share in shares)
    return (
        f"| {result.model} | {result.task} | {result.rows} | {best.d} | {best.levels} "
        f"| {best.code} | {numbers} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Certify and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("study", type=Path)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--tasks", nargs="+", default=["polarity_short"])
    parser.add_argument("--models", nargs="+", default=["s0", "s800"])
    parser.add_argument("--d", nargs="+", type=int, default=[50, 100, 200])
    parser.add_argument("--levels", nargs="+", type=int, default=[3, 5])
    parser.add_argument("--epochs", type=int, default=2, help="of a training, and of its tuning")
    chosen = parser.parse_args(arguments)
    os.chdir(chosen.study)
    params = load_params()
    config = CertificateConfig(tuple(chosen.d), tuple(chosen.levels), epochs=chosen.epochs)
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|", flush=True)
    for task in chosen.tasks:
        for model in chosen.models:
            with TemporaryDirectory() as folder:
                result = certify(
                    params, model, task, config, rows=chosen.rows, epochs=chosen.epochs,
                    folder=Path(folder),
                )  # fmt: skip
            print(line(result), flush=True)


if __name__ == "__main__":
    main()
