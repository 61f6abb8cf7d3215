from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.report.figures import FIGURES, draw_all
from pipeline.report.style import ReportConfig, styled
from pipeline.report.tables import Tables, collect
from tests.report.conftest import CHECKPOINTS, TASKS

CONFIG = ReportConfig()


@pytest.fixture
def tables(results: Path) -> Tables:
    return collect(results, CHECKPOINTS, TASKS)


def drawn(name: str, cells):
    """A figure's axes, and all points of its lines and scatters."""
    with styled(CONFIG) as pyplot:
        _, axes = pyplot.subplots(layout="constrained")
        FIGURES[name](axes, cells, CONFIG)
        return axes


def test_trajectory_draws_each_computed_cell_on_a_log_axis(tables: Tables) -> None:
    axes = drawn("trajectory", tables.cells)
    assert axes.get_yscale() == "log"
    lines = [np.asarray(line.get_xydata(), dtype=float) for line in axes.lines]
    easy = next(line for line in lines if len(line) == 4)
    assert easy.tolist() == [[0, 2048], [10, 512], [100, 128], [1000, 32]]


def test_censored_cells_are_arrows_at_the_largest_d(tables: Tables) -> None:
    axes = drawn("trajectory", tables.cells)
    arrows = {line.get_gid(): line for line in axes.lines if line.get_gid()}
    assert list(arrows["censored-late"].get_ydata()) == [4096, 4096]
    assert len(arrows["censored-never"].get_ydata()) == 0
    labels = [text.get_text() for text in axes.figure.legends[0].get_texts()]
    assert "above the largest $d$ tried" in labels


@pytest.mark.parametrize("name", ["generalization", "relative_gap"])
def test_points_over_d90_are_the_computed_cells(tables: Tables, name: str) -> None:
    axes = drawn(name, tables.cells)
    column = {"generalization": "acc_eval", "relative_gap": "relative_gap"}[name]
    points = np.concatenate([item.get_offsets() for item in axes.collections])
    computed = tables.cells.dropna(subset=["d90", column])
    expected = computed[["d90", column]].to_numpy(dtype=float)
    np.testing.assert_allclose(sorted(points.tolist()), sorted(expected.tolist()))


def test_files_are_the_same_bytes_twice(tables: Tables, tmp_path: Path) -> None:
    for name in ("a", "b"):
        paths = draw_all(tables, CONFIG, tmp_path / name)
    assert len(paths) == 6
    for path in paths:
        assert (tmp_path / "a" / path.name).read_bytes() == path.read_bytes()


def test_a_study_without_any_d90_still_gives_figures(tables: Tables, tmp_path: Path) -> None:
    never = tables.cells[tables.cells["task"] == "never"]
    draw_all(Tables(never, tables.probes, tables.summary), CONFIG, tmp_path)
    assert "no cell has a computable" in (tmp_path / "trajectory.svg").read_text()


@pytest.mark.parametrize(
    "wrong", [{"palette": ("red",)}, {"palette": ()}, {"width_mm": 5.0}, {"dpi": 1}]
)
def test_impossible_styles_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReportConfig(**wrong)


def test_the_report_never_loads_torch() -> None:
    code = (
        "import sys, pipeline.report.figures, pipeline.report.page, pipeline.report.tables;"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
