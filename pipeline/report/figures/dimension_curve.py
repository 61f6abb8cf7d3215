"""The evaluation metric over d, by DID and by SAID (A21 Figure 1)."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.report.figures.bounds import Look, beyond_grid, intervals, shift
from pipeline.report.known import estimated
from pipeline.report.shown import metric_of
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables

_AT = ("d90", "target")
# How far a method's mark stands above or below the target, in points.
_APART = 2.5
_METHODS = {"did": "DID", "said": "SAID"}
_DASHES: dict[str, Any] = {"did": (0, (3, 1.5)), "said": "solid"}
# Horizontal lines at columns of the table: what each is, its colour and its dashes.
_LEVELS: dict[str, tuple[str, str, Any]] = {
    "full_metric": ("full fine-tuning", "0.45", "dotted"),
    "target": ("target", "0.25", "dashed"),
    "chance": ("chance", "0.75", "solid"),
}


def dimension_curve(pyplot: Any, tables: Tables, config: ReportConfig) -> Any:
    """The evaluation metric over d, a panel a model and task.

    A line a method: the best learning rate at each d, the mean of the seeds with their range.
    Horizontal lines: full fine-tuning, the part of it that is d₉₀'s target, and chance. A triangle
    on the target is the estimate of d₉₀, with a bar for its 95 % interval; beyond the grid it is
    hollow, with an arrow outwards.
    """
    models, tasks = (list(dict.fromkeys(tables.table1[name])) for name in ("model", "task"))
    figure, grid = _panels(pyplot, len(models), len(tasks), config)
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
        axes.set_ylabel(metric_of(tables.table1))
    handles = _keys(tables.table1, config)
    figure.legend(
        handles=handles, loc="outside lower center",
        ncols=config.legend_columns([handle.get_label() for handle in handles]),
    )  # fmt: skip
    return figure


def _panels(pyplot: Any, rows: int, columns: int, config: ReportConfig) -> tuple[Any, Any]:
    """A figure of panels two thirds as high as wide; those alone in a row are not stretched."""
    width, _ = config.size(1.0)
    height = rows * width * (0.62 / columns if columns > 1 else 0.5)
    figure, grid = pyplot.subplots(
        rows, columns, figsize=(width, height + 4 * config.line_inches()), sharex=True,
        sharey="col", squeeze=False, layout="constrained",
    )  # fmt: skip
    return figure, grid


def _panel(axes: Any, rows: pd.DataFrame, sweeps: pd.DataFrame, config: ReportConfig) -> None:
    axes.set_xscale("log")
    for _, sweep in sweeps.iterrows():
        method = str(sweep["method"])
        colour = _colour(method, config)
        best = curve(rows[rows["method"] == method])
        if len(best):
            axes.fill_between(best["d"], best["low"], best["high"], color=colour, alpha=0.2, lw=0)
            axes.plot(best["d"], best["mean"], color=colour, linestyle=_DASHES[method])
    _estimates(axes, sweeps, config)
    first = sweeps.iloc[0]
    for name, (_, colour, dashes) in _LEVELS.items():
        if not pd.isna(first[name]):
            axes.axhline(first[name], color=colour, linewidth=0.8, linestyle=dashes, zorder=0)


def _estimates(axes: Any, sweeps: pd.DataFrame, config: ReportConfig) -> None:
    """The estimates of a panel on the target, the methods' a little above each other."""
    colours = {method: _colour(method, config) for method in _METHODS}
    look = Look("method", colours, dict.fromkeys(_METHODS, "v"), {"did": _APART, "said": -_APART})
    intervals(axes, sweeps, _AT, look)
    for _, sweep in estimated(sweeps).iterrows():
        method = str(sweep["method"])
        (mark,) = axes.plot(
            [sweep["d90"]], [sweep["target"]], marker="v", markersize=5, color=colours[method],
            markeredgecolor="black", markeredgewidth=0.5, linestyle="none", zorder=4,
            gid=f"d90-{method}",
        )  # fmt: skip
        shift(mark, axes, 0.0, look.shifts[method])
    beyond_grid(axes, sweeps, _AT, look)


def curve(rows: pd.DataFrame) -> pd.DataFrame:
    """Over d: the mean, least and greatest of the seeds' metrics by their best learning rate.

    A training that diverged counts with the metric that it had reached.
    """
    tried = rows.dropna(subset=["eval_metric"]).astype({"d": float})
    best = tried.groupby(["d", "seed"])["eval_metric"].max().groupby("d")
    return pd.DataFrame({"mean": best.mean(), "low": best.min(), "high": best.max()}).reset_index()


def _colour(method: str, config: ReportConfig) -> str:
    return config.palette[list(_METHODS).index(method) % len(config.palette)]


def _keys(table1: pd.DataFrame, config: ReportConfig) -> list[Any]:
    """What the legend explains: methods, the mark of d₉₀, the levels."""
    from matplotlib.lines import Line2D

    methods = [
        Line2D([], [], color=_colour(method, config), linestyle=_DASHES[method], label=name)
        for method, name in _METHODS.items()
        if (table1["method"] == method).any()
    ]
    mark = Line2D([], [], color="0.6", marker="v", markersize=5.5, markeredgecolor="black",
                  markeredgewidth=0.5, linestyle="none", label="$d_{90}$")  # fmt: skip
    levels = [
        Line2D([], [], color=colour, linewidth=0.8, linestyle=dashes, label=name)
        for name, colour, dashes in _LEVELS.values()
    ]
    return [*methods, mark, *levels]
