"""Tables of a study of the paper's size, or with any names, made without running anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.report.cell import MeasuredCell
from pipeline.report.tables import Tables, collect
from tests.report.conftest import CURVE, full_result, search_result, trial

GRID = tuple(int(d) for d in np.geomspace(100, 4_000_000, 74))
NAMES = ("mrpc", "qqp", "sst2", "mnli", "yelp", "anli")
Rows = list[dict]


def study(
    folder: Path, monkeypatch, *, checkpoints: int = 21, tasks: Sequence[str] = NAMES,
    probes: int = 12, statuses: Sequence[str] = ("ok",), label: str = "s{}",
) -> Tables:  # fmt: skip
    """The tables; ``statuses`` take turns over the cells."""
    cells = [
        MeasuredCell(f"s{number}", label.format(number), "trajectory", task, "updates", 8 * number)
        for number in range(checkpoints)
        for task in tasks
    ]
    made = {
        (cell.model, cell.task): _cell(cell, place, probes, statuses[place % len(statuses)])
        for place, cell in enumerate(cells)
    }
    monkeypatch.setattr(
        "pipeline.report.tables.read_cell", lambda _, cell: made[cell.model, cell.task][0]
    )
    # What is asked of these tables is not how exactly chance is ruled out, which takes a minute.
    monkeypatch.setattr("pipeline.report.rank_correlation._PERMUTATIONS", 100)
    readers = {"learning_rows": 1, "success_rows": 2, "epoch_rows": 3}
    for name, which in readers.items():

        def read(_: Path, model: str, task: str, *, which: int = which) -> Rows:
            return made[model, task][which]

        monkeypatch.setattr(f"pipeline.report.tables.{name}", read)
    return collect(folder, cells, [])


def _cell(cell: MeasuredCell, place: int, probes: int, status: str) -> tuple:
    from pipeline.report.results import CellResults, _training

    step = int(cell.model[1:])
    full = replace(
        full_result(cell.model, cell.task, 0.8 + 0.001 * (place % 90), 0.95), step=step * 1000
    )
    d90 = 200_000 // (1 + step) + 97 * (place % 6) if status == "ok" else None
    found = search_result(
        full, d90, status, "" if status == "ok" else f"it is {status}", probes=probes
    )
    found = replace(found, d_min=GRID[0], d_max=GRID[-1])
    trials = [
        trial(GRID[(7 * number + place) % len(GRID)], 0.6 + 0.0137 * number, reached=number % 2 == 0,
              curve=[0.5 + 0.0371 * number + 0.011 * epoch for epoch in range(10)])
        for number in range(probes if status in ("ok", "not_reached", "below_grid") else 0)
    ]  # fmt: skip
    learning = [
        {
            "probe": number,
            "d": row["d"],
            "seed": 0,
            "learning_rate": 0.01,
            "evaluation": at,
            "eval_metric": metric,
        }
        for number, row in enumerate(trials, start=1)
        for at, metric in enumerate(row["curve"], start=1)
    ]
    success = [{**CURVE, "d": d, "metric": round(0.5 + 0.004 * n, 5)} for n, d in enumerate(GRID)]
    epochs = [
        {
            "learning_rate": 1e-5,
            "seed": 0,
            "share": at / 10,
            "loss": 1 / at,
            "evaluation": at,
            "eval_metric": 0.7 + at / 100,
        }
        for at in range(1, 11)
    ]
    trainings = tuple(_training(row) for row in trials)
    return CellResults(full, found, trainings), learning, success if trials else [], epochs
