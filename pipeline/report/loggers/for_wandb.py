"""Weights & Biases' offline runs, which ``wandb sync`` uploads when somebody wants that."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import wandb

from pipeline.report.loggers.series import Series

PROJECT = "d90-trajectory"


def write(series: Iterable[Series], folder: Path) -> None:
    """Write an offline run a series; nothing is sent, and nobody needs an account."""
    quiet = wandb.Settings(silent=True, console="off", disable_git=True, x_disable_stats=True)
    for one in series:
        with wandb.init(
            mode="offline", project=PROJECT, name=one.name, dir=folder, config={**one.settings},
            reinit="create_new", settings=quiet,
        ) as run:  # fmt: skip
            for point in one.points:
                run.log(dict(point.values), step=point.step)
