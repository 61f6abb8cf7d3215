"""Task-specific subspaces as a real study would leave them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from pipeline.common.status import Status
from pipeline.finetuning.result import Cost
from pipeline.report.cell import MeasuredCell
from pipeline.taskspaces.result import (
    OUTLIERS,
    ArmTraining,
    Component,
    OwnSearch,
    TaskSpaceResult,
)
from tests.report.conftest import CELLS, CHECKPOINTS

METRICS = {"full": (0.9, 0.92), "basis": (0.86, 0.9), "random": (0.7, None)}
# Two parameters of ten entries; half of the first checkpoint's outliers are the next one's too.
HELD = {"s0": [0, 1, 2, 12], "s10": [0, 1, 3, 13]}


def write_space(root: Path, checkpoint: str) -> None:
    folder = root / "its" / checkpoint / "easy"
    folder.mkdir(parents=True)
    held = np.array(HELD.get(checkpoint, [5]))
    ends = {"starts": np.array([0, 10]), "stops": np.array([10, 20])}
    save_file({"outliers": held, **ends}, folder / OUTLIERS)
    trainings = tuple(
        ArmTraining(arm, seed, 6, 50, metric, metric, 10, 1e6)  # type: ignore[arg-type]
        for arm, values in METRICS.items()
        for seed, metric in enumerate(values)
    )
    digest = hashlib.sha256((folder / OUTLIERS).read_bytes()).hexdigest()
    components = (
        Component("dense.weight", 10, int((held < 10).sum())),
        Component("bias", 10, int((held >= 10).sum())),
    )
    d90 = 20 - CHECKPOINTS[checkpoint] // 100
    facts = ("", d90, d90 - 2, d90 + 3, False, 1, 32, 0.8, 5, Cost(5, 9, 1e6))
    searches = (
        OwnSearch("own", Status.OK, *facts),
        OwnSearch(
            "random",
            Status.NOT_REACHED,
            "fell short",
            None,
            90,
            None,
            True,
            1,
            99,
            0.8,
            4,
            Cost(4, 9, 1e6),
        ),
    )
    TaskSpaceResult(
        checkpoint, "easy", CHECKPOINTS[checkpoint], "accuracy", 0.5, Status.OK, "", 8, 2, 3, "same",
        False, False, "normal", Cost(7, 60, 6e6), {}, 1e-3, 0.99, 0.98, trainings, searches,
        components, 4, digest,
    ).write(folder)  # fmt: skip


def write_spaces(root: Path) -> list[MeasuredCell]:
    """Those of ``easy`` at every checkpoint."""
    for checkpoint in CHECKPOINTS:
        write_space(root, checkpoint)
    return [cell for cell in CELLS if cell.task == "easy"]
