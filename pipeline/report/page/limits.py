"""What limits every d₉₀ of the page: how searches ended, contradictions, deviations, the data."""

from __future__ import annotations

import pandas as pd

from pipeline.common.status import SearchEnd
from pipeline.report.page.traced import Context
from pipeline.report.sentences import (
    all_numbers_missed,
    not_monotone,
    other_devices,
    other_threads,
)
from pipeline.report.shown import metric_name
from pipeline.report.tables import Tables

# Columns that say where trainings are not those that d₉₀ is defined by, and whose they are.
_DEVIATIONS = {"full_deviations": "full fine-tuning", "deviations": "probes"}


def limits(tables: Tables) -> Context:
    """Why searches ended, where probes contradict each other, deviations by whose they are."""
    every, costs = pd.concat([tables.cells, tables.table1]), tables.costs
    counts = every["ended"].value_counts()
    return {
        "ends": [
            {"name": end.value, "count": int(counts[end.value]), "sentence": end.sentence}
            for end in SearchEnd
            if end.value in counts
        ],
        "searched": int(counts.drop("", errors="ignore").sum()),
        "not_monotone": not_monotone(every),
        "all_numbers_missed": all_numbers_missed(every),
        "data_notes": _deviations(every, "data_notes"),
        "other_hardware": [text for text in (other_threads(every), other_devices(costs)) if text],
        "deviations": {
            what: found
            for name, what in _DEVIATIONS.items()
            if name in every and (found := _deviations(every, name))
        },
    }


def noted(tables: Tables, embedded: str) -> Context:
    """What captions say of the data, and those of d₉₀ of its trainings; empty where nothing."""
    every = pd.concat([tables.cells, tables.table1])
    whose = [what for name, what in _DEVIATIONS.items() if (every[name] != "").any()]
    differing = (
        f"{' and '.join(whose)} deviate from the definition (see “How well d₉₀ is known”)"
        if whose
        else ""
    )
    notes = {"of_data": embedded, "of_d90": differing}
    return {name: f"{text[:1].upper()}{text[1:]}." if text else "" for name, text in notes.items()}


def metrics(cells: pd.DataFrame) -> list[str]:
    """Every metric with the tasks that it is of."""
    found = cells.groupby("metric", sort=False)["task"]
    return [f"{metric_name(str(name))} ({_listed(tasks)})" for name, tasks in found]


def _deviations(cells: pd.DataFrame, column: str) -> list[str]:
    """Every deviation with the tasks that it holds for; a cell's are joined by semicolons."""
    each = cells.assign(text=cells[column].str.split("; ")).explode("text")
    found = each[each["text"] != ""].groupby("text", sort=False)["task"]
    return [f"{text} ({_listed(tasks)})" for text, tasks in found]


def _listed(tasks: pd.Series) -> str:
    return ", ".join(dict.fromkeys(tasks))
