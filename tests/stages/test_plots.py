"""What DVC draws of a study: dvc.yaml's plots, and the template of the trajectory."""

from __future__ import annotations

import json
import re
from pathlib import Path

from dvc_render.vega import VegaRenderer

from pipeline.common.yaml_file import read_yaml
from pipeline.report.columns import cell_columns

ROOT = Path(__file__).parents[2]
GRAPH = read_yaml(ROOT / "dvc.yaml")


def test_the_template_draws_revisions_over_each_other() -> None:
    definition = next(one for one in GRAPH["plots"] if isinstance(one, dict))
    ((title, plot),) = definition.items()
    ((file, column),) = plot["y"].items()
    row = {**dict.fromkeys(cell_columns(), "1"), "family": "trajectory", "field": column}
    drawn = VegaRenderer(
        [{**row, "rev": rev} for rev in ("workspace", "HEAD")], title,
        **{**plot, "y": column, "title": title}, template_dir=str(ROOT / ".dvc/plots"),
        anchors_y_definitions=[{"filename": file, "field": column}],
    ).get_filled_template()  # fmt: skip
    text = json.dumps(drawn)
    assert "<DVC" not in text
    assert drawn["spec"]["encoding"]["color"]["scale"]["domain"] == ["workspace", "HEAD"]
    # What it computes with are columns of the table.
    used = set(re.findall(r"datum\.(\w+)", text))
    assert {plot["x"], column, "d90_low", "d90_high"} <= used <= set(cell_columns())


def test_a_figure_is_shown_once_and_the_numbers_are_few() -> None:
    shown = [one for one in GRAPH["plots"] if isinstance(one, str)]
    assert shown and all(
        one.startswith("reports/figures/") and one.endswith(".svg") for one in shown
    )
    metrics = GRAPH["stages"]["collect"]["metrics"]
    assert [name for one in metrics for name in one] == ["reports/metrics.json"]
