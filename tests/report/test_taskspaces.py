"""Task-specific subspaces in the tables and on the page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipeline.errors import UserError
from pipeline.report.beyond import Cells
from pipeline.report.charts import wanted
from pipeline.report.figures import FIGURES
from pipeline.report.page.drawn import figures
from pipeline.report.style import ReportConfig, styled
from pipeline.report.tables import Tables, collect, read_tables, write_tables
from pipeline.report.taskspaces import over_seeds
from pipeline.report.trends import measures
from pipeline.taskspaces.result import (
    OUTLIERS,
)
from tests.report.conftest import CELLS
from tests.report.spaces import write_space, write_spaces


@pytest.fixture
def tables(results: Path) -> Tables:
    return collect(results, CELLS, [], further=Cells(spaces=write_spaces(results)))


def test_a_row_an_arm_with_the_mean_of_its_seeds(tables: Tables) -> None:
    rows = tables.taskspaces.set_index(["model", "arm"])
    assert len(rows) == 3 * 4
    row = rows.loc[("s10", "basis")]
    low, high = stats.t.interval(0.95, 1, 0.88, 0.02)
    assert list(row[["eval_metric", "eval_low", "eval_high"]]) == pytest.approx(
        [0.88, low, high],
    )
    assert (row["seeds"], row["least"], row["most"], row["dimension"]) == (2, 0.86, 0.9, 6)
    alone = rows.loc[("s10", "random")]
    assert alone["seeds"] == 1 and np.isnan(alone["eval_low"]) and alone["eval_metric"] == 0.7


@pytest.mark.parametrize("seeds", [3, 40])
def test_intervals_are_students(seeds: int) -> None:
    values = list(np.linspace(0.6, 0.8, seeds))
    found = over_seeds(values)
    error = float(np.std(values, ddof=1)) / seeds**0.5
    low, high = stats.t.interval(0.95, seeds - 1, 0.7, error)
    assert [found["eval_low"], found["eval_high"]] == pytest.approx([low, high])


def test_outliers_are_counted_and_compared_with_the_checkpoint_before(tables: Tables) -> None:
    rows = tables.outliers[tables.outliers["model"] == "s10"].set_index("component")
    assert list(rows.index) == ["(all)", "dense.weight", "bias"]
    whole = rows.loc["(all)"]
    assert (whole["before"], whole["shared"], whole["matched"]) == ("s0", 0.5, 4)
    # Three of ten and three of ten, one of ten and one of ten, over four.
    assert whole["by_chance"] == pytest.approx((0.9 + 0.1) / 4)
    assert (rows.loc["bias", "outliers"], rows.loc["bias", "entries"]) == (1, 10)
    first = tables.outliers[tables.outliers["model"] == "s0"].iloc[0]
    assert first["before"] == "" and np.isnan(first["shared"])


def test_they_are_written_read_and_drawn_a_panel_a_task(tables: Tables, tmp_path: Path) -> None:
    write_tables(tables, tmp_path)
    again = read_tables(tmp_path)
    for name in ("taskspaces", "own", "outliers"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(tables, name))
    drawn = next(one for one in figures(again, ReportConfig()) if one.name == "taskspaces")
    assert [panel.title for panel, _ in drawn.panels] == ["easy"]
    assert "the task’s own directions" in str(drawn.panels[0][1])
    assert {"taskspaces", "own"} <= {one.name for one in wanted(again)}


def test_a_row_a_search_in_own_and_in_random_directions(tables: Tables) -> None:
    rows = tables.own.set_index(["model", "directions"])
    assert len(rows) == 2 * 4
    own, other = rows.loc[("s1000", "own")], rows.loc[("s1000", "random")]
    assert list(own[["d90", "d90_low", "d90_high", "d_max", "cost_runs"]]) == [10, 8, 13, 32, 5]
    assert other["status"] == "not_reached" and other["d90_above"] and pd.isna(other["d90"])


def test_an_altered_file_of_outliers_is_refused(results: Path) -> None:
    write_space(results, "s0")
    path = results / "its/s0/easy" / OUTLIERS
    path.write_bytes(path.read_bytes()[:-1] + b"\0\0")
    with pytest.raises(UserError, match=r"outliers.safetensors is missing.*its@s0-easy"):
        collect(
            results,
            CELLS,
            [],
            further=Cells(spaces=[cell for cell in CELLS if cell.task == "easy"][:1]),
        )


def test_d90_in_own_directions_is_ranked_alone_and_against_random_ones(
    results: Path, tables: Tables
) -> None:
    claims = tables.trends.set_index(["claim", "scope"])
    falls, gains = claims.loc[("own_falls", "easy")], claims.loc[("own_gains", "easy")]
    # 20 − step/100, and of random directions only that they need more than 99.
    assert (falls["units"], falls["censored"]) == (4, 0) and falls["tau"] < 0
    assert gains["censored"] == 4 and np.isnan(gains["tau"])
    assert "own_falls" not in set(collect(results, CELLS, []).trends["claim"])


def test_a_share_of_bounds_lies_between_their_shares() -> None:
    cells = pd.DataFrame({"model": ["a", "b", "c"], "task": "t"}).assign(
        status="ok", d90=pd.array([1, 1, 1], "Int64"), d_min=1, d_max=99, d90_low=1, d90_above=False
    )
    rows = [
        ("own", "b", "ok", 10), ("random", "b", "ok", 40),
        ("own", "a", "ok", 10), ("random", "a", "not_reached", None),
        ("own", "c", "below_grid", None), ("random", "c", "ok", 50),
    ]  # fmt: skip
    own = pd.DataFrame(rows, columns=["directions", "model", "status", "d90"]).assign(
        task="t", d90_above=True, d90_low=None, d_min=5, d_max=100
    )
    low, high = measures(cells, own)["own_share"]
    assert list(zip(low, high, strict=True)) == [(0, 0.1), (0.25, 0.25), (0, 0.1)]


def test_the_figure_draws_own_directions_and_random_ones(tables: Tables) -> None:
    figure = next(one for one in FIGURES if one.name == "own")
    assert figure.wanted(tables)
    with styled(ReportConfig()) as pyplot:
        axes = figure.draw(pyplot, tables, ReportConfig()).axes[0]
    drawn = {line.get_gid(): line for line in axes.lines if line.get_gid()}
    assert list(drawn["own-easy"].get_ydata()) == [20, 20, 19, 10]
    assert "random-easy" not in drawn and "above-s0-easy" in drawn
