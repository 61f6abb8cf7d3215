"""The certificates as the page shows them: a row a cell, beside what was measured."""

from __future__ import annotations

from pipeline.report.figures.certificates import best_candidates
from pipeline.report.page.traced import Context, Source
from pipeline.report.parts import metric, rounded, whole
from pipeline.report.tables import Tables


def proved(tables: Tables) -> Context:
    """Each certified cell's best candidate, and in words why others have none."""
    source = Source("certificates", tables.certificates)
    none = tables.certificates[tables.certificates["status"] != "ok"]
    return {
        "proved": [
            {
                "task": row["task"],
                "label": row["label"],
                **source.row(
                    at,
                    bound=lambda row: metric(row, "bound"),
                    hoeffding=lambda row: metric(row, "hoeffding"),
                    complexity=lambda row: metric(row, "complexity"),
                    train=lambda row: metric(row, "train_error"),
                    eval=lambda row: metric(row, "eval_error"),
                    majority=lambda row: metric(row, "majority_error"),
                    rows=lambda row: whole(row, "rows"),
                    d=lambda row: whole(row, "d"),
                    levels=lambda row: whole(row, "levels"),
                    bits=lambda row: rounded(row, "bits", ",.0f"),
                ),
            }
            for at, row in best_candidates(tables).iterrows()
        ],
        "unproved": [
            f"{row['task']} at {row['label']}: {row['reason']}" for _, row in none.iterrows()
        ],
    }
