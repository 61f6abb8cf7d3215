from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.certificates.result import Candidate, CertificateResult
from pipeline.common.artifacts import sha256
from pipeline.common.sealed import write_jsonl
from pipeline.common.status import SearchEnd, Status
from pipeline.finetuning.result import Cost, FullResult
from pipeline.probes.result import SearchResult
from pipeline.report.cell import MeasuredCell

CHECKPOINTS = {"s0": 0, "s10": 10, "s100": 100, "s1000": 1000}
TASKS = ["easy", "late", "never"]
CELLS = [
    MeasuredCell(checkpoint, checkpoint, "trajectory", task, "updates", 8 * step)
    for checkpoint, step in CHECKPOINTS.items()
    for task in TASKS
]


def full_result(model: str, task: str, best: float, train: float, **changes) -> FullResult:
    found = {
        "model": model, "task": task, "step": CHECKPOINTS.get(model, 0), "metric": "accuracy",
        "chance": 0.5, "chance_error": 0.01, "status": Status.OK, "reason": "", "parameters": 9999,
        "cost": Cost(1, 100, 1e9), "inputs": {}, "learning_rate": 1e-3, "best_epoch": 2,
        "full_metric": best, "full_error": 0.01, "train_metric": train,
    }  # fmt: skip
    return FullResult(**{**found, **changes})


def search_result(
    full: FullResult, d90: int | None, status: str, reason: str = "", **changes
) -> SearchResult:
    found = {
        **{key: getattr(full, key) for key in ("model", "task", "step", "metric", "chance", "full_metric")},
        "method": "said", "projection": "fastfood", "normalisation": "entry", "fraction": 0.9,
        "target_kind": "fraction", "protocol": "efficient", "deviations": (),
        "target": 0.9 * full.full_metric, "d_min": 16, "d_max": 4096, "layers": 4,
        "status": Status(status), "reason": reason, "probes": 0, "cost": Cost(2, 50, 5e8),
        "inputs": {}, "target_error": 0.02,
    }  # fmt: skip
    if status == "not_reached":
        found |= {"d90_low": 3000, "d90_above": True, "ended": SearchEnd.BEYOND}
    if status == "below_grid":
        found |= {"d90_high": 20, "ended": SearchEnd.BEYOND}
    if d90 is not None:
        found |= {
            "probes": 2, "d90": d90, "d90_low": d90 // 2, "d90_high": 2 * d90,
            "d90_paper": d90 + 1, "lower": d90 // 2, "ended": SearchEnd.PRECISION,
            "violations": ((16, 32),), "task_d": d90 + 1, "seed": 0, "learning_rate": 1e-2,
            "rate": 0.5, "best_epoch": 1, "eval_metric": 0.8, "train_metric": 0.9,
        }  # fmt: skip
    return SearchResult(**{**found, **changes})


def trial(d: int, metric: float, **changes) -> dict:
    return {
        "d": d, "seed": 0, "learning_rate": 1e-2, "ended": "complete", "reached": False,
        "metric": metric, "best_epoch": 1, "epochs_run": 2, "train_metric": 0.9, "tokens": 25,
        "flop": 2.5e8, "identity": "x", "curve": [metric], "answers": None, 
        **changes,
    }  # fmt: skip


CURVE = {"d": 64, "metric_low": 0.6, "metric": 0.7, "metric_high": 0.8, "enough": 0.5}
EPOCH = {
    "epoch": 1, "share": 0.5, "learning_rate": 1e-3, "seed": 0, "loss": 0.4, "metric": 0.75,
    "others": {},
}  # fmt: skip


def write_search(folder: Path, search: SearchResult, trials: list[dict]) -> None:
    write_jsonl(folder / "trials.jsonl", trials, (search.model, search.task))
    replace(search, trials_sha256=sha256(folder / "trials.jsonl")).write(folder / "result.json")


def write_cell(root: Path, full: FullResult, search: SearchResult) -> None:
    place = f"{full.model}/{full.task}"
    full.write(root / "baseline" / place / "result.json")
    ends = ((search.d90_paper, True, 0.8), (search.lower, False, 0.6))
    trials = [trial(d, metric, reached=reached) for d, reached, metric in ends if d is not None]
    write_search(root / "search" / place, search, trials)
    epochs, whose = [EPOCH, {**EPOCH, "epoch": 2}], (full.model, full.task)
    write_jsonl(root / "search" / place / "curve.jsonl", [CURVE] if trials else [], whose)
    write_jsonl(root / "baseline" / place / "epochs.jsonl", epochs, whose)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Four checkpoints by three tasks: d₉₀ falling, late, and never computable."""
    return write_results(tmp_path / "results")


def write_results(root: Path) -> Path:
    for index, checkpoint in enumerate(CHECKPOINTS):
        easy = full_result(checkpoint, "easy", 0.8 + 0.05 * index, 1.0)
        write_cell(root, easy, search_result(easy, 2048 >> (2 * index), "ok"))
        late = full_result(checkpoint, "late", 0.7, 0.75)
        if index < 2:
            fell_short = "d = 4096 falls short"
            write_cell(root, late, search_result(late, None, "not_reached", fell_short))
        else:
            write_cell(root, late, search_result(late, 1024, "ok"))
        never = full_result(
            checkpoint, "never", 0.5, 0.5, status=Status.BASELINE_AT_CHANCE, advice="try more rows"
        )
        no_better = "full is <no> better"
        write_cell(root, never, search_result(never, None, "baseline_at_chance", no_better))
    return root


def certificate(model: str, task: str, error: float, **changes) -> CertificateResult:
    """Two candidates, of which the second has the larger file and the smaller error."""
    found = {
        "model": model, "task": task, "step": CHECKPOINTS[model], "status": Status.OK, "reason": "",
        "delta": 0.05, "rows": 5000, "duplicates": 12, "choices": 40, "majority_error": 0.5,
        "eval_majority_error": 0.49, "cost": Cost(3, 10, 2e8), "inputs": {},
        "candidates": (
            Candidate(16, 3, 0, 1e-2, 80, error + 0.2, error + 0.22),
            Candidate(64, 5, 0, 1e-2, 240, error, error + 0.03),
        ),
        "best": 1, "code_sha256": hashlib.sha256(bytes(30)).hexdigest(), **changes,
    }  # fmt: skip
    return CertificateResult(**found)


def write_certificate(root: Path, result: CertificateResult) -> None:
    folder = root / "bound" / result.model / result.task
    result.write(folder)
    (folder / "code.bin").write_bytes(bytes(30))


def write_certificates(root: Path) -> list[MeasuredCell]:
    """Certificates of ``easy``, tighter at each checkpoint; those of ``late`` broke down."""
    for place, checkpoint in enumerate(CHECKPOINTS):
        write_certificate(root, certificate(checkpoint, "easy", 0.3 - 0.05 * place))
        broke = {"status": Status.DIVERGED, "reason": "it <broke>", "candidates": ()}
        write_certificate(root, certificate(checkpoint, "late", 0.5, **broke, best=None))
    return [cell for cell in CELLS if cell.task in ("easy", "late")]
