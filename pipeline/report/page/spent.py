"""What the page says of costs: the sums by stage, and every cell's."""

from __future__ import annotations

import pandas as pd

from pipeline.report.page.traced import Context, Source
from pipeline.report.parts import Parts, rounded, whole
from pipeline.report.provenance import Machine
from pipeline.report.tables import Tables
from pipeline.report.trends import POOLED

_STAGES = {
    "baseline": "full fine-tuning",
    "search": "searches for d₉₀",
    "sweep": "sweeps over d",
    "bound": "certificates",
    "its": "task-specific subspaces",
    "transfer": "directions of several tasks",
    "representation": "dimension of hidden states",
}
_SIZES = {"parameters": "parameters", "least": "d_min", "most": "d_max"}


def spent(tables: Tables) -> Context:
    """Sums by stage, and how large the models and the searched d are."""
    costs = tables.costs
    source = Source("costs", costs)
    sums = costs[costs["model"] == POOLED]
    cells = Source("cells", tables.cells)
    along = tables.of("trajectory")
    return {
        "spent": [
            {
                "stage": _STAGES[row["stage"]],
                "machine": _machines(costs[costs["stage"] == row["stage"]]),
                **source.row(
                    label,
                    runs=lambda row: whole(row, "runs"),
                    tokens=lambda row: whole(row, "tokens"),
                    flop=lambda row: rounded(row, "flop", ".3g"),
                ),
            }
            for label, row in sums.iterrows()
        ],
        "sizes": {
            key: cells.html(_range(along, name)) for key, name in _SIZES.items() if len(along)
        },
    }


def _machines(costs: pd.DataFrame) -> str:
    """On what a stage's items were computed, in words."""
    known = costs.dropna(subset=["threads"])
    pairs = zip(known["device"], known["threads"], strict=True)
    found = sorted({Machine(device, threads).words for device, threads in pairs})
    return "; ".join(found) or "not recorded"


def _range(cells: pd.DataFrame, column: str) -> Parts:
    """From the least to the greatest number of a column."""
    ordered = cells.sort_values(column, kind="stable")
    low, high = (whole(row, column) for row in (ordered.iloc[0], ordered.iloc[-1]))
    return low if str(low[0]) == str(high[0]) else (*low, "–", *high)
