"""A21's Figure 3 (d₉₀ over parameters, a zoo of models) and Figure 1 (accuracy over d)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.report.saving import save_figure
from pipeline.report.shown import interval_ends
from pipeline.report.style import ReportConfig, styled
from pipeline.report.zoo_tables import ZooTables

_METHODS = {"did": "DID", "said": "SAID"}
_DASHES: dict[str, Any] = {"did": (0, (3, 1.5)), "said": "solid"}
_POINTS_PER_INCH = 72
# Where a label may stand beside its mark: offsets in units of the mark's distance, and alignment.
_SIDES = (
    (1.0, 0.0, "left", "center"), (-1.0, 0.0, "right", "center"), (0.0, 1.0, "center", "bottom"),
    (0.0, -1.0, "center", "top"), (0.8, 0.8, "left", "bottom"), (-0.8, 0.8, "right", "bottom"),
    (0.8, -0.8, "left", "top"), (-0.8, -0.8, "right", "top"),
)  # fmt: skip


def draw_zoo(tables: ZooTables, config: ReportConfig, folder: Path) -> list[Path]:
    """Draw ``model_zoo`` and ``dimension_curve`` as far as there is something to draw."""
    paths: list[Path] = []
    with styled(config) as pyplot:
        if len(tables.zoo):
            figure, axes = pyplot.subplots(figsize=config.size(0.62), layout="constrained")
            model_zoo(axes, tables.zoo, config)
            paths += save_figure(figure, folder, "model_zoo", config)
    with styled(config) as pyplot:
        if len(tables.table1):
            figure = dimension_curve(pyplot, tables, config)
            paths += save_figure(figure, folder, "dimension_curve", config)
    return paths


def model_zoo(axes: Any, zoo: pd.DataFrame, config: ReportConfig) -> None:
    """d₉₀ over parameter count, both logarithmic, a labelled mark a model (A21 Figure 3).

    Bars are 95 % intervals. An upward arrow stands at the largest d tried where that fell short.
    Models without a meaningful d₉₀ are left out.
    """
    tasks = list(dict.fromkeys(zoo["task"]))
    colours, markers = config.by_task(tasks)
    axes.set_xscale("log")
    axes.set_yscale("log")
    bounded = zoo["status"] == "not_reached"
    shown = zoo[bounded | zoo["d90"].notna()].copy()
    shown["y"] = shown["d90"].astype(float).fillna(shown["d_max"].astype(float))
    for task in tasks:
        rows = shown[shown["task"] == task]
        found = rows[rows["d90"].notna()]
        low, high = interval_ends(found)
        axes.vlines(
            found["parameters"], low, high, colors=colours[task], linewidth=0.9, alpha=0.5, zorder=1
        )
        axes.plot(
            found["parameters"], found["y"], linestyle="none", marker=markers[task], markersize=5,
            color=colours[task], markeredgecolor="white", markeredgewidth=0.4, label=task, zorder=3,
        )  # fmt: skip
        above = rows[rows["d90"].isna()]
        axes.plot(
            above["parameters"], above["y"], linestyle="none", marker=r"$\uparrow$", markersize=8,
            markeredgewidth=0.3, color=colours[task], zorder=3, gid=f"above-{task}",
            label=f"{task}, above the largest $d$" if len(above) else "_",
        )  # fmt: skip
    axes.set_xlabel("parameters")
    axes.set_ylabel(r"intrinsic dimension $d_{90}$")
    if shown.empty:
        axes.text(0.5, 0.5, "no model has a computable $d_{90}$", ha="center", va="center",
                  transform=axes.transAxes, color="0.4")  # fmt: skip
        return
    axes.margins(0.14)
    _say_decades(axes.xaxis)
    _say_decades(axes.yaxis)
    if len(tasks) > 1 or bounded.any():
        axes.legend(frameon=False)
    _label_points(axes, shown[["parameters", "y", "label"]], config)


def dimension_curve(pyplot: Any, tables: ZooTables, config: ReportConfig) -> Any:
    """Evaluation accuracy over d, a panel a model and task (A21 Figure 1).

    A line a method: the best learning rate at each d, the mean of the seeds with their range.
    Horizontal lines: full fine-tuning, and the part of it that is d₉₀'s target. A triangle marks
    d₉₀ on it.
    """
    models = list(dict.fromkeys(tables.table1["model"]))
    tasks = list(dict.fromkeys(tables.table1["task"]))
    width, _ = config.size(1.0)
    # A panel is two thirds as high as wide, and rows that are alone are not stretched.
    height = len(models) * width * (0.62 / len(tasks) if len(tasks) > 1 else 0.5)
    figure, grid = pyplot.subplots(
        len(models), len(tasks), figsize=(width, height + 4 * config.line_inches()), sharex=True,
        sharey="col", squeeze=False, layout="constrained",
    )  # fmt: skip
    for line, model in zip(grid, models, strict=True):
        for axes, task in zip(line, tasks, strict=True):
            sweeps, rows = (
                table[(table["model"] == model) & (table["task"] == task)]
                for table in (tables.table1, tables.sweep)
            )
            _panel(axes, rows, sweeps, config)
            axes.set_title(f"{sweeps['label'].iloc[0]}, {task}", fontsize=config.font_pt)
    for axes in grid[-1]:
        axes.set_xlabel("subspace dimension $d$")
    for axes in grid[:, 0]:
        axes.set_ylabel("evaluation accuracy")
    handles = _curve_keys(tables.table1, config)
    figure.legend(
        handles=handles, loc="outside lower center", frameon=False,
        ncols=config.legend_columns([handle.get_label() for handle in handles]),
    )  # fmt: skip
    return figure


def _panel(axes: Any, rows: pd.DataFrame, sweeps: pd.DataFrame, config: ReportConfig) -> None:
    axes.set_xscale("log")
    for method, sweep in sweeps.groupby("method", sort=False):
        colour = _colour(str(method), config)
        best = curve(rows[rows["method"] == method])
        if len(best):
            axes.fill_between(best["d"], best["low"], best["high"], color=colour, alpha=0.2, lw=0)
            axes.plot(best["d"], best["mean"], color=colour, linestyle=_DASHES[str(method)])
        found = sweep["d90"].iloc[0]
        if not pd.isna(found):
            axes.plot([float(found)], sweep["target"], marker="v", markersize=5.5, color=colour,
                      markeredgecolor="black", markeredgewidth=0.5, linestyle="none", zorder=4,
                      gid=f"d90-{method}")  # fmt: skip
    first = sweeps.iloc[0]
    axes.axhline(first["full_metric"], color="0.45", linewidth=0.8, linestyle="dotted", zorder=0)
    if not pd.isna(first["target"]):
        axes.axhline(first["target"], color="0.25", linewidth=0.8, linestyle="dashed", zorder=0)
    axes.axhline(first["majority"], color="0.75", linewidth=0.8, zorder=0)


def curve(rows: pd.DataFrame) -> pd.DataFrame:
    """Over d: the mean, least and greatest of the seeds' accuracies by their best learning rate.

    A training that diverged counts with the accuracy that it had reached.
    """
    tried = rows[rows["metric"].notna()]
    best = tried.groupby(["d", "seed"])["metric"].max().groupby("d")
    return pd.DataFrame({"mean": best.mean(), "low": best.min(), "high": best.max()}).reset_index()


def _colour(method: str, config: ReportConfig) -> str:
    return config.palette[list(_METHODS).index(method) % len(config.palette)]


def _curve_keys(table1: pd.DataFrame, config: ReportConfig) -> list[Any]:
    from matplotlib.lines import Line2D

    lines: list[Any] = [
        Line2D([], [], color=_colour(method, config), linestyle=_DASHES[method], label=name)
        for method, name in _METHODS.items()
        if (table1["method"] == method).any()
    ]
    mark = Line2D([], [], color="0.6", marker="v", markersize=5.5, markeredgecolor="black",
                  markeredgewidth=0.5, linestyle="none", label="$d_{90}$")  # fmt: skip
    levels: list[tuple[str, str, Any]] = [
        ("full fine-tuning", "0.45", "dotted"),
        ("target", "0.25", "dashed"),
        ("majority class", "0.75", "solid"),
    ]
    return [
        *lines, mark,
        *(Line2D([], [], color=colour, linewidth=0.8, linestyle=style, label=name)
          for name, colour, style in levels),
    ]  # fmt: skip


def _say_decades(axis: Any) -> None:
    """Whole labels on a logarithmic axis, also where it spans less than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = sorted(axis.get_view_interval())
    narrow = high / low < 200
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if narrow else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axis.set_minor_formatter(NullFormatter())


def _short(value: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _label_points(axes: Any, points: pd.DataFrame, config: ReportConfig) -> None:
    """Each mark's label on the side where it covers least of marks and other labels."""
    figure = axes.figure
    figure.canvas.draw()
    places = axes.transData.transform(points[["parameters", "y"]].astype(float).to_numpy())
    gap = 5.0 * figure.dpi / _POINTS_PER_INCH
    marks = [_box(x - gap / 2, y - gap / 2, gap, gap) for x, y in places]
    frame = axes.get_window_extent()
    taken: list[Any] = []
    for index, label in enumerate(points["label"]):
        others = [*taken, *marks[:index], *marks[index + 1 :]]
        size = _extent(axes, label, config)
        boxes = [_beside(places[index], side, gap, size) for side in _SIDES]
        cost = [_covered(box, others) + _outside(box, frame) for box in boxes]
        chosen = cost.index(min(cost))
        dx, dy, horizontal, vertical = _SIDES[chosen]
        axes.annotate(
            label, points[["parameters", "y"]].iloc[index], (5 * dx, 5 * dy),
            textcoords="offset points", ha=horizontal, va=vertical, fontsize=config.font_pt - 1,
        )  # fmt: skip
        taken.append(boxes[chosen])


def _extent(axes: Any, label: str, config: ReportConfig) -> tuple[float, float]:
    """Width and height of a label in pixels."""
    text = axes.text(0, 0, label, fontsize=config.font_pt - 1)
    box = text.get_window_extent()
    text.remove()
    return box.width, box.height


def _box(x: float, y: float, width: float, height: float) -> Any:
    from matplotlib.transforms import Bbox

    return Bbox.from_bounds(x, y, width, height)


def _beside(
    place: Sequence[float], side: tuple[float, float, str, str], gap: float,
    size: tuple[float, float],
) -> Any:  # fmt: skip
    dx, dy, horizontal, vertical = side
    left = {"left": 0.0, "right": -size[0], "center": -size[0] / 2}[horizontal]
    down = {"bottom": 0.0, "top": -size[1], "center": -size[1] / 2}[vertical]
    return _box(place[0] + gap * dx + left, place[1] + gap * dy + down, *size)


def _covered(box: Any, others: Sequence[Any]) -> float:
    """The area that a box shares with others."""
    from matplotlib.transforms import Bbox

    shared = (Bbox.intersection(box, other) for other in others)
    return sum(both.width * both.height for both in shared if both is not None)


def _outside(box: Any, frame: Any) -> float:
    """The area of a box outside the frame, which counts double."""
    from matplotlib.transforms import Bbox

    inside = Bbox.intersection(box, frame)
    area = 0.0 if inside is None else float(inside.width * inside.height)
    return 2 * (float(box.width * box.height) - area)
