"""The charts of the page: what its script draws, and the same as SVG where no script runs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pipeline.report.charts import wanted
from pipeline.report.charts.cell import cell_panels
from pipeline.report.charts.chart import Panel, Spec
from pipeline.report.page.data import Rows, rows_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

# Pixels across a chart that no script fits to its place.
_WIDTH = 720


@dataclass(frozen=True)
class Drawing:
    """A chart of the page: its name, heading and caption, whether it shows d₉₀, panels and SVG."""

    name: str
    title: str
    caption: str
    of_d90: bool
    panels: list[tuple[Panel, Any]]


def figures(tables: Tables, config: ReportConfig) -> list[Drawing]:
    """The wanted charts in the order of the page."""
    data = rows_of(tables)
    return [
        Drawing(
            chart.name,
            chart.title,
            chart.caption_of(tables),
            chart.of_d90,
            [(panel, _svg(panel, data)) for panel in chart.panels(tables, config)],
        )
        for chart in wanted(tables)
    ]


def specifications(drawn: list[Drawing], config: ReportConfig) -> dict[str, Spec]:
    """What the script draws, by the panel's name; those of an opened cell too."""
    panels = [panel for drawing in drawn for panel, _ in drawing.panels]
    return {panel.name: panel.spec for panel in (*panels, *cell_panels(config))}


@lru_cache(maxsize=1)
def library() -> Any:
    """Vega, Vega-Lite and vega-embed as one script that fetches nothing."""
    import vl_convert
    from markupsafe import Markup

    # Its types ask for a snippet, which has a default.
    bundle: Any = vl_convert.javascript_bundle
    # Text of the library that would end the element it stands in.
    return Markup(bundle().replace("</script", "<\\/script"))


def _svg(panel: Panel, data: dict[str, Rows]) -> Any:
    """The drawing with a name for screen readers, its ids not shared by others of the page."""
    import vl_convert
    from markupsafe import Markup, escape

    named = {name: data[name] for name in _named(panel.spec)}
    spec = {**panel.spec, "width": _WIDTH, "datasets": named}
    text = vl_convert.vegalite_to_svg(spec)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{panel.name}-", text[text.index("<svg") :])
    label = f'<svg role="img" aria-label="{escape(panel.describes)}"'
    return Markup(body.replace("<svg", label, 1))


def _named(spec: Any) -> list[str]:
    """The names of the tables that a specification draws from."""
    if isinstance(spec, list):
        return sorted({name for part in spec for name in _named(part)})
    if not isinstance(spec, dict):
        return []
    own = [spec["data"]["name"]] if "name" in spec.get("data", {}) else []
    return sorted({*own, *(name for part in spec.values() for name in _named(part))})
