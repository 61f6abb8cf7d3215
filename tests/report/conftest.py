from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.common.artifacts import write_json, write_jsonl

CHECKPOINTS = {"s0": 0, "s10": 10, "s100": 100, "s1000": 1000}
TASKS = ["easy", "late", "never"]


def baseline(checkpoint: str, task: str, full: float, train: float) -> dict:
    return {
        "checkpoint": checkpoint, "task": task, "step": CHECKPOINTS[checkpoint],
        "metric": "accuracy", "majority": 0.5, "status": "ok", "reason": "", "parameters": 9999,
        "learning_rate": 1e-3, "best_epoch": 2, "full_metric": full, "acc_eval": full,
        "acc_train": train, "f1_eval": None, "inputs": {},
        "cost": {"runs": 1, "tokens": 100, "flop": 1e9},
    }  # fmt: skip


def said(full: dict, d90: int | None, status: str, reason: str = "") -> dict:
    found = d90 is not None
    return {
        **{key: full[key] for key in ("checkpoint", "task", "step", "full_metric", "majority")},
        "status": status, "reason": reason, "d90": d90, "lower": d90 // 2 if found else None,
        "d90_low": d90 // 2 if found else 3000 if status == "not_reached" else None,
        "d90_high": 2 * d90 if found else None, "violations": [[16, 32]] if found else [],
        "protocol": "efficient", "deviations": [], "fractions": {},
        "d_min": 16, "d_max": 4096, "target": 0.9 * full["full_metric"], "layers": 4,
        "learning_rate": 1e-2 if found else None, "best_epoch": 1 if found else None,
        "acc_eval": 0.8 if found else None, "acc_train": 0.9 if found else None, "seed": 0,
        "probes": 2 if found else 0, "cost": {"runs": 2, "tokens": 50, "flop": 5e8}, "inputs": {},
    }  # fmt: skip


def write_cell(root: Path, full: dict, search: dict) -> None:
    for stage, result in (("baseline", full), ("said", search)):
        folder = root / stage / full["checkpoint"] / full["task"]
        write_json(folder / "result.json", result)
    trials = [
        {"d": d, "seed": 0, "learning_rate": 1e-2, "status": status, "metric": metric,
         "best_epoch": 1, "epochs_run": 2, "acc_train": 0.9, "tokens": 25, "flop": 2.5e8,
         "identity": "x", "curve": [metric],
         "proven": True}
        for d, status, metric in ((search["d90"], "reached", 0.8), (search["lower"], "missed", 0.6))
        if d is not None
    ]  # fmt: skip
    write_jsonl(root / "said" / full["checkpoint"] / full["task"] / "trials.jsonl", trials)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Four checkpoints by three tasks: d₉₀ falling, late, and never computable."""
    root = tmp_path / "results"
    for index, checkpoint in enumerate(CHECKPOINTS):
        easy = baseline(checkpoint, "easy", 0.8 + 0.05 * index, 1.0)
        write_cell(root, easy, said(easy, 2048 >> (2 * index), "ok"))
        late = baseline(checkpoint, "late", 0.7, 0.75)
        if index < 2:
            write_cell(root, late, said(late, None, "not_reached", "d = 4096 falls short"))
        else:
            write_cell(root, late, said(late, 1024, "ok"))
        never = baseline(checkpoint, "never", 0.5, 0.5)
        write_cell(root, never, said(never, None, "baseline_at_chance", "full is <no> better"))
    return root
