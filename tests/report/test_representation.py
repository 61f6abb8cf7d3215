"""The dimension of hidden states in the tables, in the trends and on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.common.seeds import numpy_generator
from pipeline.finetuning.result import Cost
from pipeline.report.beyond import Cells
from pipeline.report.charts import wanted as wanted_charts
from pipeline.report.figures import FIGURES, wanted
from pipeline.report.style import ReportConfig, styled
from pipeline.report.tables import Tables, collect, read_tables, write_tables
from pipeline.taskspaces.representation.estimators import Dimension, dimensions
from pipeline.taskspaces.representation.result import LayerDimension, RepresentationResult
from tests.report.conftest import CELLS, CHECKPOINTS

EASY = [cell for cell in CELLS if cell.task == "easy"]
NONE = Dimension(None, None, None, 0)


def write(root: Path, model: str, found: dict[str, Dimension]) -> None:
    """The first token's state has no dimension, the mean states of the last layer what is found."""
    layers = tuple(
        LayerDimension(layer, state, name, one if (layer, state) == (1, "mean") else NONE)  # type: ignore[arg-type]
        for state in ("first", "mean")
        for layer in (0, 1)
        for name, one in found.items()
    )
    folder = root / "representation" / model / "easy"
    facts = (500, 20, 64, layers, Cost(0, 0, 1e7), {})
    RepresentationResult(model, "easy", CHECKPOINTS[model], *facts).write(folder)


def planted(dimension: int, seed: int) -> dict[str, Dimension]:
    """The estimates of a Gaussian cloud of so many dimensions, turned at random in 64."""
    generator = numpy_generator(seed, "planted")
    axes = np.linalg.qr(generator.standard_normal((64, dimension)))[0]
    points = generator.standard_normal((400, dimension)) @ axes.T
    return dimensions(points, 20, 20, generator)  # type: ignore[return-value]


@pytest.fixture
def tables(results: Path) -> Tables:
    for place, model in enumerate(CHECKPOINTS):
        write(results, model, planted(12 - 2 * place, place))
    return collect(results, CELLS, [], further=Cells(represented=EASY))


def test_a_row_a_layer_and_one_number_beside_d90(tables: Tables) -> None:
    rows = tables.representation
    assert len(rows) == len(CHECKPOINTS) * 8 and rows["last"].sum() == len(CHECKPOINTS) * 4
    own = rows[(rows["model"] == "s10") & rows["dimension"].notna()].set_index("estimator")
    assert list(own[["layer", "state", "points", "width"]].loc["mle"]) == [1, "mean", 400, 64]
    assert (own["dimension_low"] < own["dimension"]).all()
    beside = tables.cells.set_index(["model", "task"])["representation"]
    assert beside["s10", "easy"] == own.loc["twonn", "dimension"]
    assert np.isnan(beside["s10", "late"])
    spent = tables.costs.set_index(["stage", "model"])
    assert spent.loc[("representation", "(all)"), "flop"] == 4e7


def test_they_are_written_and_read_like_other_tables(tables: Tables, tmp_path: Path) -> None:
    write_tables(tables, tmp_path)
    pd.testing.assert_frame_equal(read_tables(tmp_path).representation, tables.representation)


def test_both_falling_is_seen_to_move_together(results: Path, tables: Tables) -> None:
    row = tables.trends.set_index(["claim", "scope"]).loc[("together", "easy")]
    assert (row["tau"], row["units"], row["p"]) == (1, 4, pytest.approx(1 / 24))
    assert "together" not in set(collect(results, CELLS, []).trends["claim"])


def test_a_family_whose_d90_falls_alone_is_not_taken_for_both_falling(results: Path) -> None:
    """Planted: each checkpoint's states are the same cloud, turned, while its d₉₀ falls to a 64th."""
    generator = numpy_generator(7, "cloud")
    cloud = generator.standard_normal((400, 10))
    for model in CHECKPOINTS:
        axes = np.linalg.qr(generator.standard_normal((64, 10)))[0]
        found = dimensions(cloud @ axes.T, 20, 20, numpy_generator(0, "draws"))
        write(results, model, found)  # type: ignore[arg-type]
    tables = collect(results, CELLS, [], further=Cells(represented=EASY))
    trends = tables.trends.set_index(["claim", "scope"])
    assert trends.loc[("falls", "easy"), "tau"] == -1
    own = tables.cells[tables.cells["task"] == "easy"]["representation"]
    assert own.max() / own.min() < 1.0001
    together = trends.loc[("together", "easy")]
    assert together["verdict"] == "undecided" and together["p"] > 1 / 24


def test_figure_and_chart_are_there_where_it_was_measured(results: Path, tables: Tables) -> None:
    for found in (
        [one.name for one in wanted(tables)],
        [one.name for one in wanted_charts(tables)],
    ):
        assert "representation" in found
    without = collect(results, CELLS, [])
    assert "representation" not in [one.name for one in (*wanted(without), *wanted_charts(without))]
    figure = next(one for one in FIGURES if one.name == "representation")
    with styled(ReportConfig()) as pyplot:
        axes = figure.draw(pyplot, tables, ReportConfig()).axes[0]
    assert axes.get_ylabel() == "dimension of hidden states"
