"""Pretraining's loss and learning rate over its updates."""

from __future__ import annotations

from typing import Any

from pipeline.report.charts.chart import Panel, specification
from pipeline.report.charts.marks import visible
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables


def pretraining(tables: Tables, config: ReportConfig) -> list[Panel]:
    """Two panels: training loss with the held-out loss at checkpoints, and the learning rate."""
    import altair as alt

    logged, colour = _logged(tables), visible(config.palette[0])
    tips = [
        alt.Tooltip(field="step", type="quantitative", format=",", title="update"),
        alt.Tooltip(field="loss", type="quantitative", format=".4f"),
        alt.Tooltip(field="valid_loss", type="quantitative", format=".4f", title="held-out loss"),
        alt.Tooltip(field="learning_rate", type="quantitative", format=".3~g"),
        alt.Tooltip(field="checkpoint", type="nominal", title="on the way to"),
    ]
    trained = logged("loss", "loss (nats)").mark_line(
        color=colour, point={"size": 18, "color": colour}
    )
    held = logged("valid_loss", "loss (nats)").mark_point(
        shape="diamond", size=70, color="currentColor", filled=True, opacity=1
    )
    loss = alt.layer(
        trained.encode(tooltip=tips),
        held.encode(tooltip=tips),
        data=alt.NamedData("pretraining"),
        height=260,
    )
    rate = logged("learning_rate", "learning rate").mark_line(
        color=colour, point={"size": 18, "color": colour}
    )
    told = "over pretraining's updates; pretraining.csv has every number."
    return [
        Panel("loss", "Loss", f"Loss {told}", specification(loss, f"Loss {told}")),
        _rate(rate.encode(tooltip=tips), f"Learning rate {told}"),
    ]


def _rate(layer: Any, describes: str) -> Panel:
    import altair as alt

    chart = alt.layer(layer, data=alt.NamedData("pretraining"), height=200)
    return Panel("learning_rate", "Learning rate", describes, specification(chart, describes))


def _logged(tables: Tables) -> Any:
    """What makes a chart of a column over updates: one line, or with branches one a segment."""
    import altair as alt

    branched = not tables.pretraining["step"].is_monotonic_increasing
    apart = {"detail": alt.Detail(field="checkpoint", type="nominal")} if branched else {}

    def of(column: str, title: str) -> Any:
        across = alt.X(field="step", type="quantitative", title="update", axis={"format": "~s"})
        up = alt.Y(field=column, type="quantitative", title=title, scale=alt.Scale(zero=False))
        rows = alt.Chart().transform_filter(f"isValid(datum.{column})")
        return rows.encode(x=across, y=up, **apart)

    return of
