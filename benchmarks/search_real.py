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

from pipeline.common.artifacts import read_json, write_jsonl
from pipeline.dimension.efficient import EfficientConfig
from pipeline.dimension.grid import grid_values
from pipeline.dimension.interval import d90_interval, evaluation_noise
from pipeline.dimension.protocols import PROTOCOLS
from pipeline.dimension.question import Near, Question
from pipeline.dimension.search import Probe
from pipeline.dimension.status import precheck, target_metric
from pipeline.estimate.simulate import Answer, follow
from pipeline.finetuning.cell import Cell
from pipeline.probes.config import SaidConfig
from pipeline.probes.probe import ProbeRunner
from pipeline.probes.search import probe_training
from pipeline.study import params
from pipeline.training import device


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
    config = params.load(study / "params.yaml")
    place = device.prepare(config.model.width)
    said = replace(config.said, learning_rates=tuple(rates))
    known: dict[tuple[str, str], tuple[Answer, float | None]] = {}
    for checkpoint in config.trajectory.checkpoints:
        for task in tasks or config.tasks:
            finetune = config.task(task).finetune
            baseline = read_json(study / "results/baseline" / checkpoint / task / "result.json")
            cell = Cell.open(
                checkpoint, task, study / "checkpoints" / checkpoint / "model",
                study / "data/tasks" / task, finetune, config.seed, place,
            )  # fmt: skip
            training = probe_training(said, 0.0, cell.seed)
            scratch = out / study.name / checkpoint / task
            runner = ProbeRunner(cell, config.subspace, finetune, training, scratch)
            before = known.get((_before(config, checkpoint), task))
            near = Near(before[0].verdict.d90, before[1]) if before else None
            question = _question(said, runner, baseline, near, config.subspace.rate_slope())
            if question is None:
                continue
            found = _search(study.name, question, runner, baseline, said)
            winner = found.efficient.verdict.winner
            known[checkpoint, task] = found.efficient, winner.learning_rate if winner else None
            yield found


def _before(config: params.Params, checkpoint: str) -> str:
    names = list(config.trajectory.checkpoints)
    return names[max(names.index(checkpoint) - 1, 0)]


def _question(
    said: SaidConfig, runner: ProbeRunner, baseline: dict, near: Near | None, slope: float
) -> Question | None:
    """What the cell's search is asked; None where it has no meaningful target."""
    full, majority, rows = baseline["full_metric"], baseline["majority"], len(runner.cell.data.eval)
    target = target_metric(full, majority, said.fraction, said.target)
    if precheck(full, majority, target, said.margin, rows):
        return None
    grid = grid_values(said.grid, runner.layers(), runner.cell.flat.size)
    epochs = said.epochs or runner.finetune.epochs
    return Question(grid, target, said.learning_rates, 1, epochs, rows, majority, near, slope)


def _search(
    study: str, question: Question, runner: ProbeRunner, baseline: dict, said: SaidConfig
) -> Compared:
    def curve_of(probe: Probe) -> list[float]:
        return runner.run(probe)["curve"]

    paper, short = (
        follow(question, PROTOCOLS[name](question, EfficientConfig()), curve_of)
        for name in ("paper", "efficient")
    )
    trainings = short.trainings(question.epochs)
    noise = evaluation_noise(None, question.target, said.fraction, question.rows)
    full = baseline["full_metric"]
    bounds = d90_interval(question, trainings, full, noise, short.verdict.d90)
    return Compared(study, runner.cell.checkpoint, runner.cell.task, paper, short, *bounds)


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
