"""The search for a cell's d₉₀: probes in random subspaces until the search has its verdict."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.artifacts import atomic_file, write_json, write_jsonl
from pipeline.cells.cell import Cell
from pipeline.cells.probe import ProbeRunner, ProbeTraining
from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.search import BinarySearch, Outcome, Probe, Verdict
from pipeline.dimension.status import Status, TargetKind, precheck, reaches, target_metric
from pipeline.finetuning import FinetuneConfig
from pipeline.optim import OptimizerConfig
from pipeline.subspace.structure import SubspaceConfig

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class SaidConfig:
    """How d₉₀ is searched for (METHOD §2).

    A probe trains for ``epochs`` (null: as many as the task's fine-tuning). ``stop_at_target`` ends
    it at the first epoch that reaches the target, which changes its cost but not whether it
    reached. ``margin`` is by how many standard errors full fine-tuning must beat the majority class
    for a d₉₀ to be searched (0: A21's literal rule). ``exhaustive`` tries every learning rate even
    after one has reached.
    """

    grid: GridConfig
    fraction: float = 0.9
    target: TargetKind = "fraction"
    margin: float = 0.0
    learning_rates: tuple[float, ...] = (1e-3, 5e-3, 1e-2, 3e-2)
    epochs: int | None = None
    seeds: int = 1
    stop_at_target: bool = True
    exhaustive: bool = False
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = 1e-6
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction is {self.fraction}, but must be in (0, 1]")
        if not self.learning_rates or min(self.learning_rates) <= 0:
            raise ValueError("learning_rates must list at least one rate, all above 0")
        if self.margin < 0:
            raise ValueError(f"margin is {self.margin}, but must be at least 0")
        if self.seeds < 1:
            raise ValueError(f"seeds is {self.seeds}, but must be at least 1")
        if self.epochs is not None and self.epochs < 1:
            raise ValueError(f"epochs is {self.epochs}, but must be at least 1, or null")
        self.optimizer()

    def optimizer(self) -> OptimizerConfig:
        """AdamW's constants for the d numbers."""
        return OptimizerConfig(self.betas, self.eps, self.weight_decay)


@dataclass(frozen=True)
class SaidSearch:
    """A cell's search: what it measures, and what it probes with."""

    runner: ProbeRunner
    config: SaidConfig
    target: float

    def run(self) -> tuple[Verdict, list[dict[str, Any]]]:
        """Probe until the verdict; return it with the rows of the probes that it rests on."""
        search = BinarySearch(
            self.grid(),
            self.target,
            self.config.learning_rates,
            self.config.seeds,
            self.config.exhaustive,
        )
        rows: dict[Probe, dict[str, Any]] = {}
        started, new = time.monotonic(), 0
        while True:
            outcomes = {
                probe: Outcome(row["metric"], row["status"] == "diverged")
                for probe, row in rows.items()
            }
            answer = search.next(outcomes)
            if isinstance(answer, Verdict):
                return answer, [rows[probe] for probe in answer.probes]
            fresh = self.runner.known(answer, self._stop) is None
            if fresh:
                left = search.most_probes() - len(rows)
                pace = (
                    f", about {left * (time.monotonic() - started) / new:.0f} s left" if new else ""
                )
                _LOG.info(
                    "probe %d of at most %d: d = %d, learning rate %g%s",
                    len(rows) + 1,
                    search.most_probes(),
                    answer.d,
                    answer.learning_rate,
                    pace,
                )
            rows[answer] = self._judged(self.runner.run(answer, self._stop))
            if fresh:
                new += 1
                row = rows[answer]
                _LOG.info(
                    "  accuracy %.4f, target %.4f: %s", row["metric"], self.target, row["status"]
                )

    def grid(self) -> tuple[int, ...]:
        """The dimensions that may be probed."""
        return grid_values(self.config.grid, self.runner.layers(), self.runner.cell.flat.size)

    def _stop(self, curve: Sequence[float]) -> bool:
        return self.config.stop_at_target and reaches(curve[-1], self.target)

    def _judged(self, row: dict[str, Any]) -> dict[str, Any]:
        reached = bool(row["curve"]) and reaches(row["metric"], self.target)
        return {
            **row,
            "status": "reached" if reached else "diverged" if row["diverged"] else "missed",
        }


def measure_said(
    cell: Cell,
    config: SaidConfig,
    subspace: SubspaceConfig,
    finetune: FinetuneConfig,
    baseline: dict[str, Any],
    scratch: Path,
    out: Path,
) -> dict[str, Any]:
    """Search the cell's d₉₀ and write ``result.json`` and ``trials.jsonl`` to ``out``.

    With status ``ok`` the d numbers at d₉₀ go to ``task.safetensors``. A cell that needs no search
    (METHOD §2) has no trials.
    """
    common = {
        **{key: baseline[key] for key in ("checkpoint", "task", "step", "full_metric", "majority")},
        "method": subspace.method,
        "projection": subspace.projection,
        "normalisation": subspace.normalisation,
        "fraction": config.fraction,
        "target_kind": config.target,
        "inputs": cell.inputs,
    }
    full, majority = baseline["full_metric"], baseline["majority"]
    target = None if full is None else target_metric(full, majority, config.fraction, config.target)
    early = (
        (Status(baseline["status"]), "full fine-tuning: " + baseline["reason"])
        if target is None
        else precheck(full, majority, target, config.margin, len(cell.data.eval))
    )
    training = ProbeTraining(config.epochs, config.optimizer())
    runner = ProbeRunner(cell, subspace, finetune, training, scratch)
    search = SaidSearch(runner, config, target or 0.0)
    grid = search.grid()
    common |= {"target": target, "d_min": grid[0], "d_max": grid[-1], "layers": runner.layers()}
    rows: list[dict[str, Any]] = []
    if early is not None:
        verdict = Verdict(early[0], early[1], None, None, None, ())
    else:
        verdict, rows = search.run()
    won = next(
        (row for row, at in zip(rows, verdict.probes, strict=True) if at == verdict.winner), {}
    )
    result = {
        **common,
        "status": verdict.status,
        "reason": verdict.reason,
        "d90": verdict.d90,
        "lower": verdict.lower,
        "probes": len(rows),
        "cost": cell.cost(rows),
        "seed": won.get("seed"),
        "learning_rate": won.get("learning_rate"),
        "best_epoch": won.get("best_epoch"),
        "acc_eval": won.get("metric"),
        "acc_train": won.get("acc_train"),
    }
    if verdict.winner is not None:
        content = runner.vector_path(won).read_bytes()
        with atomic_file(out / "task.safetensors") as temporary:
            temporary.write_bytes(content)
    write_jsonl(out / "trials.jsonl", rows)
    write_json(out / "result.json", result)
    return result
