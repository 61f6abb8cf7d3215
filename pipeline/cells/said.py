"""The search for a cell's d₉₀: probes in random subspaces until the search has its verdict."""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from pipeline.artifacts import Journal, atomic_file, fingerprint, write_json, write_jsonl
from pipeline.cells.cell import Cell
from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.search import BinarySearch, Outcome, Probe, Verdict
from pipeline.dimension.status import Status, TargetKind, precheck, reaches, target_metric
from pipeline.finetuning import FinetuneConfig, Recipe, fine_tune
from pipeline.optim import OptimizerConfig
from pipeline.seeds import derive
from pipeline.subspace.layout import layer_groups
from pipeline.subspace.structure import Subspace, SubspaceConfig
from pipeline.subspace.task_vector import Classifier, save_task_vector

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
    """A cell's search: what it measures, and where finished probes are kept meanwhile."""

    cell: Cell
    config: SaidConfig
    subspace: SubspaceConfig
    finetune: FinetuneConfig
    target: float
    scratch: Path

    def run(self) -> tuple[Verdict, list[dict[str, Any]]]:
        """Probe until the verdict; return it with the rows of the probes that it rests on."""
        search = BinarySearch(
            self.grid(),
            self.target,
            self.config.learning_rates,
            self.config.seeds,
            self.config.exhaustive,
        )
        journal = Journal(self.scratch / "probes.jsonl")
        stored = {row["identity"]: row for row in journal.read()}
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
            identity = self._identity(answer)
            if identity not in stored:
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
                stored[identity] = self._probe(answer, identity)
                journal.append(stored[identity])
                new += 1
            rows[answer] = stored[identity]

    def grid(self) -> tuple[int, ...]:
        """The dimensions that may be probed."""
        return grid_values(self.config.grid, self.layers(), self.cell.flat.size)

    def layers(self) -> int:
        """m, the number of scales among the d numbers."""
        if self.subspace.method == "did":
            return 0
        return len(layer_groups(self.cell.flat.spans, self.subspace.layers))

    def vector_path(self, probe: Probe) -> Path:
        """Where the d numbers of a probe that reached the target are kept meanwhile."""
        return self.scratch / f"{self._identity(probe)}.safetensors"

    def _recipe(self, probe: Probe) -> Recipe:
        return Recipe(
            self.config.epochs or self.finetune.epochs,
            self.finetune.batch,
            probe.learning_rate,
            self.finetune.warmup_fraction,
            self.config.optimizer(),
            self.finetune.train_eval_rows,
        )

    def _identity(self, probe: Probe) -> str:
        """The hash of everything the probe's outcome depends on."""
        return fingerprint(
            [
                self.cell.inputs,
                self.cell.seed,
                self.finetune.dropout,
                asdict(self.subspace),
                asdict(self._recipe(probe)),
                asdict(probe),
                self.target if self.config.stop_at_target else None,
            ]
        )[:32]

    def _probe(self, probe: Probe, identity: str) -> dict[str, Any]:
        cell = self.cell
        cell.reset()
        seed = derive(cell.seed, "probe", probe.seed)
        subspace = Subspace(cell.flat, self.subspace, probe.d, seed)
        run = fine_tune(
            cell.model,
            subspace,
            cell.data.train,
            cell.data.eval,
            self._recipe(probe),
            seed,
            good_enough=lambda accuracy: (
                self.config.stop_at_target and reaches(accuracy, self.target)
            ),
        )
        metric = run.best.accuracy if run.best else 0.0
        reached = run.best is not None and reaches(metric, self.target)
        if reached:
            assert run.vector is not None
            self._keep(run.vector, subspace, probe)
        status = "reached" if reached else "diverged" if run.diverged else "missed"
        _LOG.info("  accuracy %.4f, target %.4f: %s", metric, self.target, status)
        return {
            "identity": identity,
            **asdict(probe),
            "status": status,
            "metric": metric,
            "best_epoch": run.best.epoch if run.best else None,
            "epochs_run": len(run.epochs),
            "acc_train": run.train_accuracy,
            "curve": [score.accuracy for score in run.epochs],
            "tokens": run.tokens,
            "flop": cell.flop(run),
        }

    def _keep(self, vector: torch.Tensor, subspace: Subspace, probe: Probe) -> None:
        cell = self.cell
        head = Classifier(cell.seed, tuple(cell.data.manifest["labels"]))
        with atomic_file(self.vector_path(probe)) as temporary:
            save_task_vector(
                temporary, vector, subspace, cell.inputs["checkpoint"], cell.task, head
            )


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
    search = SaidSearch(cell, config, subspace, finetune, target or 0.0, scratch)
    grid = search.grid()
    common |= {"target": target, "d_min": grid[0], "d_max": grid[-1], "layers": search.layers()}
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
        content = search.vector_path(verdict.winner).read_bytes()
        with atomic_file(out / "task.safetensors") as temporary:
            temporary.write_bytes(content)
    write_jsonl(out / "trials.jsonl", rows)
    write_json(out / "result.json", result)
    return result
