"""MLflow's store in a folder: an experiment with a run a series."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

# MLflow would rather have a database, and asks for a word before it opens a store of files.
os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")

from mlflow.entities import Metric, Param
from mlflow.tracking import MlflowClient

from pipeline.report.loggers.series import Series

EXPERIMENT = "d90-trajectory"
# What a call of the store takes at most, and a parameter's text.
_PARAMS, _METRICS, _LETTERS = 100, 1000, 6000


def address(folder: Path) -> str:
    """What MLflow calls the store in a folder."""
    return folder.resolve().as_uri()


def write(series: Iterable[Series], folder: Path) -> None:
    """Write a run a series, with its settings as parameters and a metric a name and step."""
    client = MlflowClient(tracking_uri=address(folder))
    experiment = client.create_experiment(EXPERIMENT)
    for one in series:
        run = client.create_run(experiment, start_time=0, run_name=one.name).info.run_id
        params = [Param(name, str(value)[:_LETTERS]) for name, value in one.settings.items()]
        for start in range(0, len(params), _PARAMS):
            client.log_batch(run, params=params[start : start + _PARAMS])
        metrics = [
            Metric(name, value, point.step, point.step)
            for point in one.points
            for name, value in point.values.items()
        ]
        for start in range(0, len(metrics), _METRICS):
            client.log_batch(run, metrics=metrics[start : start + _METRICS])
        client.set_terminated(run, end_time=0)
