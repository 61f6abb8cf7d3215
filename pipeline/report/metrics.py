"""The few numbers of a study by which DVC shows and compares it."""

from __future__ import annotations

from pipeline.common.artifacts import Json


def few(summary: Json) -> Json:
    """The numbers for ``dvc metrics`` and ``dvc exp show``: what fits a line of a terminal.

    Args:
        summary: all that there is to say (`pipeline.report.summary`).

    Returns:
        By task d₉₀ and the metric of full fine-tuning at the last checkpoint; τ of d₉₀ with
        pretraining, all tasks together; how many cells have a d₉₀; the FLOP of all trainings.
    """
    tasks = summary["tasks"]
    falls = summary["trends"].get("falls", {})
    return {
        "d90": {name: task["d90_last"] for name, task in tasks.items()},
        "metric": {name: task["full_metric_last"] for name, task in tasks.items()},
        "tau": falls.get("tau"),
        "cells": sum(task["cells"] for task in tasks.values()),
        "with_d90": sum(task["cells_ok"] for task in tasks.values()),
        "flop": sum(summary["flop"].values()),
    }
