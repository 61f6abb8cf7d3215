"""A study's runs in the format of a tracker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path

from pipeline.errors import UserError
from pipeline.report.loggers.series import Series

# A writer of a tracker's files: all runs into one folder.
Writer = Callable[[Iterable[Series], Path], None]
# How each one's files are looked at, the folder in braces.
_SHOWN = {
    "tensorboard": "tensorboard --logdir {}",
    "wandb": "wandb sync {}/wandb/offline-run-*",
    "mlflow": "MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri {}",
}


def write_runs(tracker: str, series: Iterable[Series], folder: Path) -> str:
    """Write the runs of a study in a tracker's format, without any network.

    Args:
        tracker: one of `pipeline.report.loggers.TRACKERS`.
        series: the runs.
        folder: a new folder for the tracker's files.

    Returns:
        What was written, and how to look at it.

    Raises:
        UserError: the folder exists, or the tracker's package is not installed.
    """
    if folder.exists():
        raise UserError(f"{folder} exists: remove it, or name another folder")
    try:
        module = import_module(f"pipeline.report.loggers.for_{tracker}")
    except ModuleNotFoundError as error:
        raise UserError(
            f"{error.name} is not installed: pip install '.[{tracker}]' in this project"
        ) from error
    runs = list(series)
    folder.mkdir(parents=True)
    write: Writer = module.write
    write(runs, folder)
    return f"{len(runs)} runs are in {folder}: {_SHOWN[tracker].format(folder)}"
