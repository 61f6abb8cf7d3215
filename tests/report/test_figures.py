from __future__ import annotations

import logging
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from pipeline.report import figures as registry
from pipeline.report.figures import FIGURES, draw_all, wanted
from pipeline.report.figures.dimension_curve import curve
from pipeline.report.figures.figure import Figure
from pipeline.report.figures.trajectory import uncomputable
from pipeline.report.style import ReportConfig, styled
from pipeline.report.tables import Tables, collect
from tests.report.conftest import CELLS, TASKS, full_result, search_result, write_cell
from tests.report.zoo import PROBES, write_sweeps, write_zoo

CONFIG = ReportConfig()


@pytest.fixture
def tables(results: Path) -> Tables:
    return collect(results, CELLS, [])


DRAW = {figure.name: figure.draw for figure in FIGURES}
ALONG = ("trajectory", "generalization", "relative_gap")


def drawn(name: str, tables: Tables, cells=None, config: ReportConfig = CONFIG):
    """The axes of a figure of one panel."""
    if cells is not None:
        tables = replace(tables, cells=cells)
    with styled(config) as pyplot:
        return DRAW[name](pyplot, tables, config).axes[0]


def test_trajectory_draws_each_computed_cell_on_a_log_axis(tables: Tables) -> None:
    axes = drawn("trajectory", tables)
    assert axes.get_yscale() == "log"
    lines = [np.asarray(line.get_xydata(), dtype=float) for line in axes.lines]
    easy = next(line for line in lines if len(line) == 4)
    assert easy.tolist() == [[0, 2048], [10, 512], [100, 128], [1000, 32]]


def arrows(axes) -> dict:
    """Data of the arrows by their names in the file."""
    return named(axes.lines, ("above-", "below-"))


def named(artists, prefixes: tuple[str, ...]) -> dict:
    """Data of what is called so in the file."""
    return {
        line.get_gid(): line.get_xydata().tolist()
        for line in artists
        if (line.get_gid() or "").startswith(prefixes)
    }


def bars(axes) -> dict:
    """Both ends of the intervals' bars."""
    return {
        bar.get_gid(): sorted(np.asarray(bar.get_segments()[0]).tolist())
        for bar in axes.collections
        if (bar.get_gid() or "").startswith("interval-")
    }


def labels(axes) -> list[str]:
    return [text.get_text() for text in axes.figure.legends[0].get_texts()]


def test_censored_cells_are_arrows_at_the_largest_d(tables: Tables) -> None:
    axes = drawn("trajectory", tables)
    assert arrows(axes) == {"above-s0-late": [[0, 4096]], "above-s10-late": [[10, 4096]]}
    assert labels(axes) == [*TASKS, "95 % interval", "above the largest $d$"]


@pytest.mark.parametrize(("name", "y"), [("generalization", 0.7), ("relative_gap", 1 / 6)])
def test_over_d90_censored_cells_are_arrows_too(tables: Tables, name: str, y: float) -> None:
    axes = drawn(name, tables)
    assert list(arrows(axes)) == ["above-s0-late", "above-s10-late"]
    np.testing.assert_allclose(arrows(axes)["above-s0-late"], [[4096, y]])
    assert labels(axes)[-1] == "above the largest $d$"


def test_every_status_without_a_d90_is_told_under_the_figure(tables: Tables) -> None:
    cells = tables.cells.copy()
    cells.loc[(cells["task"] == "late") & (cells["step"] == 0), "status"] = "diverged"
    cells.loc[(cells["task"] == "late") & (cells["step"] == 10), "status"] = "target_below_chance"
    notes = uncomputable(cells)
    assert [note.rpartition(": ")[2] for note in notes] == [
        "never at 0, 10, 100, 1k",
        "late at 10",
        "late at 0",
    ]
    shown = drawn("trajectory", tables, cells).figure.legends[0].get_title().get_text()
    for note in notes:
        assert note in shown.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "place"), [("trajectory", (1000, 16)), ("generalization", (16, 0.95))]
)
def test_below_the_grid_is_an_arrow_at_the_smallest_d(
    results: Path, name: str, place: tuple[float, float]
) -> None:
    full = full_result("s1000", "easy", 0.95, 1.0)
    write_cell(results, full, search_result(full, None, "below_grid"))
    axes = drawn(name, collect(results, CELLS, []))
    below = arrows(axes)["below-s1000-easy"]
    np.testing.assert_allclose(below, [place])
    assert labels(axes)[-1] == "below the smallest $d$"
    # A hollow mark of the task's shape stands there as well, and a bar to the interval's end.
    hollow = [line for line in axes.lines if line.get_markerfacecolor() == "white"]
    assert place in [tuple(line.get_xydata()[0]) for line in hollow]
    across, along = (0, 1) if name == "trajectory" else (1, 0)
    (first, last) = bars(axes)["interval-s1000-easy"]
    assert (first[along], last[along]) == (16, 20) and first[across] == place[across]


@pytest.mark.parametrize(("low", "place"), [(51, 51), (None, 16)])
def test_reached_by_no_training_is_an_arrow_where_the_interval_begins(
    results: Path, low: int | None, place: int
) -> None:
    full = full_result("s1000", "easy", 0.95, 1.0)
    write_cell(
        results, full, search_result(full, None, "not_reached", d90_low=low, d90_above=False)
    )
    axes = drawn("trajectory", collect(results, CELLS, []))
    np.testing.assert_allclose(arrows(axes)["above-s1000-easy"], [(1000, place)])
    assert bars(axes)["interval-s1000-easy"] == [[1000, place], [1000, 4096]]
    assert labels(axes)[-1] == "reached by no training"


@pytest.mark.parametrize(
    ("name", "along"), [("trajectory", 1), ("generalization", 0), ("relative_gap", 0)]
)
def test_every_estimate_has_its_interval(tables: Tables, name: str, along: int) -> None:
    tables.cells["relative_gap"] = 0.5
    axes = drawn(name, tables)
    ends = {gid: (one[along], other[along]) for gid, (one, other) in bars(axes).items()}
    assert ends["interval-s10-easy"] == (256, 1024)
    # Above the grid it reaches from the grid's end inwards.
    assert ends["interval-s0-late"] == (3000, 4096) and len(ends) == 8
    assert not named(axes.lines, ("open-",))


@pytest.mark.parametrize(("name", "along"), [("trajectory", 1), ("generalization", 0)])
def test_an_open_interval_ends_in_a_head_at_the_grids_end(
    tables: Tables, name: str, along: int
) -> None:
    cells = tables.cells.copy()
    cells.loc[cells["d90"] == 32, "d90_low"] = pd.NA
    cells.loc[cells["d90"] == 2048, "d90_high"] = pd.NA
    heads = named(drawn(name, tables, cells).lines, ("open-",))
    assert {gid: place[0][along] for gid, place in heads.items()} == {
        "open-below-s1000-easy": 16, "open-above-s0-easy": 4096,
    }  # fmt: skip


def test_a_d90_beyond_the_grid_of_which_nothing_more_is_known(tables: Tables) -> None:
    """Its bar spans the whole grid, and goes on at the other end."""
    cells = tables.cells.copy()
    cells.loc[cells["status"] == "not_reached", "d90_low"] = pd.NA
    axes = drawn("trajectory", tables, cells)
    assert bars(axes)["interval-s0-late"] == [[0, 16], [0, 4096]]
    assert named(axes.lines, ("open-",))["open-below-s0-late"] == [[0, 16]]


def test_shifted_tasks_move_no_limit_of_the_axes(tables: Tables) -> None:
    """Tasks stand aside of each other on paper only."""
    axes = drawn("trajectory", tables)
    easy, late = (line for line in axes.lines if len(line.get_xydata()) > 1)
    place = [1000, 1024]
    apart = late.get_transform().transform(place) - easy.get_transform().transform(place)
    assert apart[0] > 0 and apart[1] == 0
    assert axes.dataLim.x0 == 0 and axes.dataLim.x1 == 1000


@pytest.mark.parametrize("further", [0, 40])
def test_arrows_of_one_checkpoint_do_not_hide_each_other(tables: Tables, further: int) -> None:
    """Also where another task's head has a few more parameters, and its grid ends there."""
    cells = tables.cells[tables.cells["step"] == 0].assign(
        status="not_reached", d90=pd.NA, d90_above=True
    )
    cells["d_max"] = [4096, 4096 + further, 4096]
    canvas = FigureCanvasAgg(drawn("trajectory", tables, cells).figure)
    canvas.draw()
    picture = np.asarray(canvas.buffer_rgba())[..., :3]
    plot = picture[: picture.shape[0] // 2]
    inked = []
    for colour in CONFIG.palette[: len(TASKS)]:
        rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        inked.append(np.flatnonzero((plot == rgb).all(axis=2).any(axis=0)))
    assert all(columns.size for columns in inked)
    assert all(left.max() < right.min() for left, right in pairwise(inked))


@pytest.mark.parametrize(
    ("steps", "scale", "ticks"),
    [
        ([0, 500, 1000, 2000], "linear", ["0", "500", "1k", "2k"]),
        ([0, 500, 2000, 10000, 50000], "symlog", ["0", "500", "2k", "10k", "50k"]),
        (list(range(0, 200_001, 10_000)), "linear", [f"{k}k" if k else "0" for k in range(0, 201, 20)]),
        ([7], "linear", ["7"]),
    ],
)  # fmt: skip
def test_the_step_axis_suits_the_checkpoints(
    tables: Tables, steps: list[int], scale: str, ticks: list[str]
) -> None:
    row = tables.cells[tables.cells["task"] == "easy"].head(1)
    cells = pd.concat([row.assign(step=step) for step in steps], ignore_index=True)
    axes = drawn("trajectory", tables, cells)
    assert axes.get_xscale() == scale
    assert [text.get_text() for text in axes.get_xticklabels()] == ticks
    assert sorted(axes.get_xticks(minor=True)) == sorted(set(steps) - set(axes.get_xticks()))
    left, right = axes.get_xlim()
    assert left < steps[0] and steps[-1] < right


@pytest.mark.parametrize("name", ALONG)
@pytest.mark.parametrize("width", [70.0, 85.0, 174.0])
def test_nothing_is_cut_off_at_a_papers_widths(tables: Tables, name: str, width: float) -> None:
    config = ReportConfig(width_mm=width)
    names = {"easy": "polarity_short", "late": "inference", "never": "adversarial_inference"}
    cells = tables.cells.assign(task=tables.cells["task"].map(names))
    with styled(config):
        axes = drawn(name, tables, cells, config)
        figure = axes.figure
        figure.draw_without_rendering()
        inside = figure.get_tightbbox()
        size = figure.get_size_inches()
        # The legend must not squeeze the plot.
        assert axes.get_window_extent().height / figure.dpi > 0.35 * size[0]
    assert size[0] == pytest.approx(width / 25.4)
    assert inside.x0 >= 0 and inside.y0 >= 0
    assert inside.x1 <= size[0] and inside.y1 <= size[1]


@pytest.mark.parametrize("name", ["generalization", "relative_gap"])
def test_points_over_d90_are_the_computed_cells(tables: Tables, name: str) -> None:
    axes = drawn(name, tables)
    column = {"generalization": "full_metric", "relative_gap": "relative_gap"}[name]
    marks = [item for item in axes.collections if item.get_gid() is None]
    points = np.concatenate([item.get_offsets() for item in marks])
    computed = tables.cells.dropna(subset=["d90", column])
    expected = computed[["d90", column]].to_numpy(dtype=float)
    np.testing.assert_allclose(sorted(points.tolist()), sorted(expected.tolist()))


def test_files_are_the_same_bytes_twice(
    tables: Tables, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for name in ("a", "b"):
        paths = draw_all(tables, CONFIG, tmp_path / name)
    # Stages show what is said at this level, and libraries have nothing to say to a reader.
    assert not caplog.records
    # Three figures in three formats.
    assert {path.suffix for path in paths} == {".svg", ".pdf", ".png"} and len(paths) == 9
    for path in paths:
        content = path.read_bytes()
        assert (tmp_path / "a" / path.name).read_bytes() == content
        # Nothing in them that another day or another version of a program would change.
        assert b"CreationDate" not in content and b"Matplotlib v" not in content


def test_a_task_has_one_colour_in_every_figure(results: Path) -> None:
    tables = collect(results, [*CELLS, *write_zoo(results)], [])
    tasks = tables.tasks()
    assert tasks == [*TASKS, "mrpc"]
    colours = {
        name: {line.get_color() for line in drawn(name, tables).lines if len(line.get_xdata())}
        for name in ("trajectory", "model_zoo")
    }
    assert colours["model_zoo"] == {CONFIG.palette[3]}
    assert colours["trajectory"] == {CONFIG.palette[0], CONFIG.palette[1]}


def test_a_study_without_any_d90_still_gives_figures(tables: Tables, tmp_path: Path) -> None:
    never = tables.cells[tables.cells["task"] == "never"]
    draw_all(replace(tables, cells=never), CONFIG, tmp_path)
    assert "no cell has a computable" in (tmp_path / "trajectory.svg").read_text()


@pytest.mark.parametrize(
    "wrong", [{"palette": ("red",)}, {"palette": ()}, {"width_mm": 5.0}, {"dpi": 1}]
)
def test_impossible_styles_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ReportConfig(**wrong)


def test_the_report_never_loads_torch() -> None:
    code = (
        "import sys, pipeline.report.figures, pipeline.report.page, pipeline.report.table1;"
        "sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_figure_has_a_name_of_its_own_and_a_caption(tables: Tables) -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
    for figure in FIGURES:
        assert figure.title.strip() and len(figure.caption_of(tables)) > 40
    with pytest.raises(TypeError, match="caption"):
        Figure("a", "A", shows=lambda tables: tables.cells, draw=DRAW["trajectory"])  # type: ignore[call-arg]


def test_a_new_figure_is_one_entry(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def reading(pyplot, tables, config):
        figure, axes = pyplot.subplots()
        axes.plot(tables.cells["step"].astype(float), tables.cells["full_metric"])
        return figure

    more = Figure("more", "One more", "The {metric}.", lambda tables: tables.probes, reading)
    monkeypatch.setattr(registry, "FIGURES", (*FIGURES, more))
    paths = draw_all(tables, CONFIG, tmp_path)
    assert [path.name for path in paths[-3:]] == ["more.svg", "more.pdf", "more.png"]
    assert more.caption_of(tables) == "The evaluation accuracy."


def test_figures_are_wanted_where_there_is_something_to_show(results: Path) -> None:
    def names(cells, sweeps) -> list[str]:
        return [figure.name for figure in wanted(collect(results, cells, sweeps))]

    zoo, sweeps = write_zoo(results), write_sweeps(results)
    assert names([], []) == []
    assert names(CELLS, []) == list(ALONG)
    assert names(zoo, []) == ["model_zoo"] and names([], sweeps) == ["dimension_curve"]
    assert names([*CELLS, *zoo], sweeps) == [*ALONG, "model_zoo", "dimension_curve"]


@pytest.mark.parametrize(
    ("metrics", "label"),
    [
        ({}, "evaluation accuracy"),
        ({"late": "pearson"}, "evaluation metric"),
        (dict.fromkeys(TASKS, "matthews"), "evaluation Matthews correlation"),
    ],
)
def test_the_axis_names_the_metric(tables: Tables, metrics: dict, label: str) -> None:
    names = tables.cells["task"].map(metrics).fillna("accuracy")
    axes = drawn("generalization", tables, tables.cells.assign(metric=names))
    assert axes.get_ylabel() == label


def test_the_zoo_is_drawn_over_parameters(results: Path) -> None:
    tables = collect(results, [*CELLS, *write_zoo(results)], [])
    axes = drawn("model_zoo", tables)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    marks = next(line for line in axes.lines if not line.get_gid()).get_xydata()
    assert [109_483_778, 1608] in marks.tolist() and len(marks) == 5
    assert arrows(axes) == {"above-t5_base-mrpc": [[222_903_552, 4096]]}
    assert {text.get_text() for text in axes.texts} == set(tables.of("zoo")["label"])
    assert labels(axes) == ["mrpc", "95 % interval", "above the largest $d$"]


def test_a_zoo_without_any_d90_still_gives_a_figure(results: Path) -> None:
    zoo = collect(results, write_zoo(results), [])
    cells = zoo.cells.assign(status="diverged", d90=pd.array([pd.NA] * 6, dtype="Int64"))
    axes = drawn("model_zoo", zoo, cells)
    assert [text.get_text() for text in axes.texts] == ["no model has a computable $d_{90}$"]


def test_the_curve_has_a_panel_a_model_and_task(results: Path) -> None:
    tables = collect(results, [], write_sweeps(results, metric="f1"))
    with styled(CONFIG) as pyplot:
        panels = DRAW["dimension_curve"](pyplot, tables, CONFIG).axes
    assert [axes.get_title() for axes in panels] == [
        "BERT-Base, mrpc", "BERT-Base, qqp", "RoBERTa-Base, mrpc", "RoBERTa-Base, qqp",
    ]  # fmt: skip
    assert panels[0].get_ylabel() == "evaluation metric"
    row = tables.table1.iloc[0]
    (mark,) = [line for line in panels[0].lines if line.get_gid() == "d90-did"]
    np.testing.assert_allclose(mark.get_xydata(), [[row["d90"], row["target"]]])
    (first, last) = bars(panels[0])["interval-bert_base-did"]
    assert (first[0], last[0]) == (row["d90_low"], row["d90_high"])


def test_the_curve_marks_a_d90_beyond_the_sweep(results: Path) -> None:
    tables = collect(results, [], write_sweeps(results))
    table1 = tables.table1.copy()
    table1.loc[0, ["status", "d90", "d90_above"]] = ["not_reached", pd.NA, True]
    with styled(CONFIG) as pyplot:
        panel = DRAW["dimension_curve"](pyplot, replace(tables, table1=table1), CONFIG).axes[0]
    row = table1.iloc[0]
    assert arrows(panel) == {"above-bert_base-did": [[row["d_max"], row["target"]]]}
    assert not [line for line in panel.lines if line.get_gid() == "d90-did"]


def test_the_curve_takes_the_best_rate_and_spans_the_seeds(results: Path) -> None:
    sweep = collect(results, [], write_sweeps(results)[:1]).sweep
    best = curve(sweep)
    assert list(best["d"]) == list(PROBES.values())
    rows = sweep[sweep["d"] == 10]
    seeds = rows.groupby("seed")["eval_metric"].max()
    assert best["mean"].iloc[0] == pytest.approx(seeds.mean())
    assert (best["low"].iloc[0], best["high"].iloc[0]) == (seeds.min(), seeds.max())


def test_figures_count_pretraining_in_tokens_where_asked(tables: Tables) -> None:
    axes = drawn("trajectory", tables, config=ReportConfig(axis="tokens"))
    assert axes.get_xlabel() == "pretraining tokens"
    assert arrows(axes)["above-s10-late"] == [[80, 4096]]
