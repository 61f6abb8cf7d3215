"""The page's part on published models: captions, and tables as they are shown."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.report.shown import d90_shown, interval_shown, metric_shown
from pipeline.report.zoo_tables import ZooTables

ZOO_CAPTIONS = {
    "model_zoo": (
        "Model zoo",
        "d₉₀ over the number of parameters, a mark a published model. Bars are 95 % intervals; an "
        "arrow upwards stands where even the largest dimension tried fell short.",
    ),
    "dimension_curve": (
        "Accuracy over dimension",
        "Evaluation accuracy at each subspace dimension with its best learning rate, by DID and by "
        "SAID; bands span the seeds. d₉₀ is where the target, dashed, is first reached.",
    ),
}


def zoo_captions(tables: ZooTables) -> list[str]:
    """The figures that there are."""
    drawn = {"model_zoo": tables.zoo, "dimension_curve": tables.table1}
    return [name for name, table in drawn.items() if len(table)]


def zoo_rows(tables: ZooTables) -> list[dict[str, Any]]:
    """The zoo's table in words."""
    return [
        {**_shown(row), "parameters": f"{row['parameters']:,}"} for _, row in tables.zoo.iterrows()
    ]


def table1_rows(tables: ZooTables) -> list[dict[str, Any]]:
    """The sweep's table in words."""
    return [
        {
            **_shown(row),
            "method": str(row["method"]).upper(),
            "published": "–" if pd.isna(row["published"]) else f"{row['published']:,}",
        }
        for _, row in tables.table1.iterrows()
    ]


def _shown(row: pd.Series) -> dict[str, Any]:
    shown = {key: row[key] for key in ("label", "task", "status", "reason", "probes")}
    shown |= {"d90": d90_shown(row), "interval": interval_shown(row)}
    for key in ("full_metric", "target"):
        shown[key] = metric_shown(row[key])
    return shown
