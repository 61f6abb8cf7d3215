"""Both protocols on real cells: the same verdict from fewer training tokens?

    python -m benchmarks.search_real STUDY… --out FOLDER [--rates 0.002 0.008] [--tasks …]

A study is a folder with ``params.yaml``, ``data/``, ``checkpoints/`` and ``results/baseline/`` of a
finished ``dvc repro``. Every probe trains for all epochs, once, and goes to a journal in ``--out``;
the efficient protocol is given each curve up to where its rule would have ended the training, which
is what it would have seen (training is deterministic). Run again, it goes on where it was stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline import paths
from pipeline.common.artifacts import write_jsonl
from pipeline.dimension.driver import cut, drive
from pipeline.dimension.interval import d90_interval, evaluation_noise
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS, ProtocolName
from pipeline.dimension.question import Question
from pipeline.estimate.simulate import Answer
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.result import FullResult
from pipeline.probes.asking import cell_question, no_search, probe_training
from pipeline.probes.config import SearchConfig
from pipeline.probes.neighbour import Neighbour
from pipeline.probes.probe import ProbeRunner
from pipeline.study.measured import measured_models
from pipeline.study.reading import load_params


@dataclass(frozen=True)
class Compared:
    """A cell's two searches."""

    study: str
    checkpoint: str
    task: str
    paper: Answer
    efficient: Answer
    low: float
    high: float

    def agrees(self) -> bool:
        """Whether the paper's verdict lies inside the efficient protocol's interval."""
        d90 = self.paper.verdict.d90
        return self.low <= (float("inf") if d90 is None else d90) <= self.high


def compare(
    study: Path, out: Path, rates: Sequence[float], tasks: Sequence[str]
) -> Iterator[Compared]:
    """Search every cell of a study that has a target, a checkpoint after its neighbour."""
    config = load_params(study / "params.yaml")
    search = replace(config.search, learning_rates=tuple(rates), seeds=1)
    known: dict[tuple[str, str], Neighbour] = {}
    for model in measured_models(config):
        checkpoint = model.name
        for task in tasks or config.tasks:
            finetune = config.task(task).finetune
            full = FullResult.read(study / "results/baseline" / checkpoint / task / "result.json")
            cell = Cell.open(
                name=checkpoint, task=task, model_dir=study / paths.model(checkpoint),
                task_dir=study / paths.task(model.tokens, task), config=finetune, seed=config.seed,
            )  # fmt: skip
            question = cell_question(
                cell, search=search, subspace=config.subspace, finetune=finetune, full=full,
                neighbour=known.get((model.neighbour or checkpoint, task)),
            )  # fmt: skip
            if no_search(full, search, question):
                continue
            training = probe_training(search, question, cell)
            scratch = out / study.name / checkpoint / task
            runner = ProbeRunner(cell, config.subspace, finetune, training, scratch)
            found = _search(study.name, question, runner, full, search)
            verdict = found.efficient.verdict
            rate = verdict.winner.learning_rate if verdict.winner else None
            known[checkpoint, task] = Neighbour(checkpoint, verdict.status, verdict.d90, rate)
            yield found


def _search(
    study: str, question: Question, runner: ProbeRunner, full: FullResult, search: SearchConfig
) -> Compared:
    def searched(name: ProtocolName) -> Answer:
        strategy = PROTOCOLS[name](question, EfficientConfig())
        return Answer(*drive(strategy, lambda probe, stop: cut(runner.run(probe), stop)))

    paper, short = searched("paper"), searched("efficient")
    noise = evaluation_noise(
        None, question.target_error, search.fraction, len(runner.cell.data.eval)
    )
    assert full.full_metric is not None, "no_search has left out what diverged"
    bounds = d90_interval(
        question, short.records.values(), full.full_metric, noise, short.verdict.d90
    )
    return Compared(study, runner.cell.name, runner.cell.task, paper, short, *bounds)


def main() -> None:
    """Print a line a cell and the totals."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("studies", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--rates", nargs="+", type=float, default=[0.002, 0.008])
    parser.add_argument("--tasks", nargs="+", default=[], help="all by default")
    chosen = parser.parse_args()
    print(f"{'study':<8}{'checkpoint':<12}{'task':<16}{'paper':>8}{'short':>8}  {'interval':<20}"
          f"{'epochs':>12}")  # fmt: skip
    rows = []
    for study in chosen.studies:
        for one in compare(study, chosen.out, chosen.rates, chosen.tasks):
            rows.append(one)
            spread = f"{one.low:.0f} – {one.high:.0f}"
            print(f"{one.study:<8}{one.checkpoint:<12}{one.task:<16}{one.paper.verdict.d90!s:>8}"
                  f"{one.efficient.verdict.d90!s:>8}  {spread:<20}"
                  f"{one.efficient.epochs:>5} of {one.paper.epochs:>4}", flush=True)  # fmt: skip
    paper, short = (
        sum(getattr(one, name).epochs for one in rows) for name in ("paper", "efficient")
    )
    same = sum(one.paper.verdict.d90 == one.efficient.verdict.d90 for one in rows)
    inside = sum(one.agrees() for one in rows)
    print(f"{len(rows)} cells: {same} same verdicts, {inside} inside the interval, training tokens "
          f"1/{paper / short:.2f}")  # fmt: skip
    write_jsonl(chosen.out / "compared.jsonl", [
        {"study": one.study, "checkpoint": one.checkpoint, "task": one.task,
         "paper": one.paper.verdict.d90, "efficient": one.efficient.verdict.d90,
         "paper_epochs": one.paper.epochs, "efficient_epochs": one.efficient.epochs}
        for one in rows
    ])  # fmt: skip


if __name__ == "__main__":
    main()
