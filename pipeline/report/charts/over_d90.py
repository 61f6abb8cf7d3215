"""What goes with d₉₀, to be hovered: how full fine-tuning generalises (A21 Figures 4 and 5)."""

from __future__ import annotations

from pipeline.report.charts.chart import Panel, specification
from pipeline.report.charts.marks import estimates, looks, places, tooltip
from pipeline.report.figures.parts import tasks_of
from pipeline.report.shown import metric_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables


def generalization(tables: Tables, config: ReportConfig) -> list[Panel]:
    """Evaluation metric of full fine-tuning over d₉₀, a mark a checkpoint."""
    metric = metric_of(tables.of("trajectory"))
    return [_over_d90(tables, config, "full_metric", metric)]


def relative_gap(tables: Tables, config: ReportConfig) -> list[Panel]:
    """Relative generalization gap over d₉₀, a mark a checkpoint."""
    return [_over_d90(tables, config, "relative_gap", "relative gap")]


def representation(tables: Tables, config: ReportConfig) -> list[Panel]:
    """The dimension of hidden states over d₉₀, a mark a checkpoint."""
    return [_over_d90(tables, config, "representation", "dimension of hidden states", "")]


def _over_d90(
    tables: Tables,
    config: ReportConfig,
    column: str,
    title: str,
    whose: str = " of full fine-tuning",
) -> Panel:
    import altair as alt

    cells = tables.of("trajectory")
    describes = (
        f"The {title}{whose} over d₉₀, a mark a checkpoint, joined in the order of "
        "pretraining. The table of cells has the same numbers."
    )
    axis = alt.Y(
        field=column, type="quantitative", title=title, scale=alt.Scale(zero=False, padding=14)
    )
    tips = tooltip(cells)
    layers = [
        layer
        for look in looks(config, tasks_of(cells), 0.0)
        for layer in estimates("x", {"y": axis}, look, tips, joined=True)
    ]
    chart = alt.layer(*layers, data=alt.NamedData("cells"), height=340, transform=places(column))
    name = "generalization" if column == "full_metric" else column
    return Panel(name, "", describes, specification(chart, describes))
