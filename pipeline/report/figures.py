"""The three plots of A21 (Figures 2, 4 and 5) from the table of cells."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.artifacts import atomic_file
from pipeline.report.style import ReportConfig, styled
from pipeline.report.tables import Tables

Draw = Callable[[Any, pd.DataFrame, ReportConfig], None]

_ASPECT = 0.62
_D90_LABEL = r"intrinsic dimension $d_{90}$"


def draw_all(tables: Tables, config: ReportConfig, folder: Path) -> list[Path]:
    """Draw every figure as SVG and PNG into ``folder``; return the paths."""
    paths = []
    for name, draw in FIGURES.items():
        with styled(config) as pyplot:
            figure, axes = pyplot.subplots(figsize=config.size(_ASPECT), layout="constrained")
            draw(axes, tables.cells, config)
            for suffix in ("svg", "png"):
                path = folder / f"{name}.{suffix}"
                with atomic_file(path) as temporary:
                    # A date in the file would make two equal figures differ.
                    metadata = {"Date": None} if suffix == "svg" else {"Software": None}
                    figure.savefig(temporary, format=suffix, dpi=config.dpi, metadata=metadata)
                paths.append(path)
    return paths


def trajectory(axes: Any, cells: pd.DataFrame, config: ReportConfig) -> None:
    """d₉₀ over pretraining updates (A21 Figure 2), a line a task.

    Where d_max did not reach the target d₉₀ is only known to be larger: an open upward arrow at
    d_max, joined to the line by dots. Cells without a meaningful d₉₀ are left out.
    """
    import seaborn

    tasks = _tasks(cells)
    colours, markers = config.by_task(tasks)
    computed = cells.dropna(subset=["d90"]).astype({"d90": float})
    if not computed.empty:
        seaborn.lineplot(
            computed, x="step", y="d90", hue="task", style="task", hue_order=tasks,
            style_order=tasks, palette=colours, markers=markers, dashes=False, markersize=5,
            errorbar=None, ax=axes, legend=False,
        )  # fmt: skip
    censored = cells[cells["status"] == "not_reached"]
    spread = _spread(cells["step"])
    for rank, task in enumerate(tasks):
        rows = censored[censored["task"] == task]
        # Arrows of several tasks at one checkpoint would hide each other: set them side by side.
        shift = spread * (rank - (len(tasks) - 1) / 2)
        axes.plot(
            rows["step"] + shift, rows["d_max"], linestyle="none", marker=r"$\uparrow$",
            markersize=8, color=colours[task], gid=f"censored-{task}",
        )  # fmt: skip
    _finish(axes, cells, tasks, colours, markers, censored=not censored.empty)
    if computed.empty and censored.empty:
        _say_empty(axes)
    else:
        axes.set_yscale("log")
    axes.set_xlabel("pretraining updates")
    axes.set_ylabel(_D90_LABEL)


def generalization(axes: Any, cells: pd.DataFrame, config: ReportConfig) -> None:
    """Evaluation accuracy of full fine-tuning over d₉₀ (A21 Figure 4), a point a checkpoint."""
    _over_d90(axes, cells, config, "acc_eval", "evaluation accuracy")


def relative_gap(axes: Any, cells: pd.DataFrame, config: ReportConfig) -> None:
    """Relative generalization gap over d₉₀ (A21 Figure 5), a point a checkpoint."""
    label = r"relative gap $\frac{acc_{train} - acc_{eval}}{1 - acc_{eval}}$"
    _over_d90(axes, cells, config, "relative_gap", label)
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)


FIGURES: dict[str, Draw] = {
    "trajectory": trajectory,
    "generalization": generalization,
    "relative_gap": relative_gap,
}


def _over_d90(axes: Any, cells: pd.DataFrame, config: ReportConfig, y: str, label: str) -> None:
    import seaborn

    tasks = _tasks(cells)
    colours, markers = config.by_task(tasks)
    points = cells.dropna(subset=["d90", y]).astype({"d90": float})
    for task in tasks:
        path = points[points["task"] == task].sort_values("step")
        axes.plot(path["d90"], path[y], color=colours[task], linewidth=0.7, alpha=0.5, zorder=1)
    if points.empty:
        _say_empty(axes)
    else:
        seaborn.scatterplot(
            points, x="d90", y=y, hue="task", style="task", hue_order=tasks, style_order=tasks,
            palette=colours, markers=markers, size="step", sizes=(15, 60), legend=False, ax=axes,
            zorder=2,
        )  # fmt: skip
        axes.set_xscale("log")
    _finish(axes, cells, tasks, colours, markers, censored=False)
    axes.set_xlabel(_D90_LABEL + "   (larger marks: later checkpoints)")
    axes.set_ylabel(label)


def _finish(
    axes: Any,
    cells: pd.DataFrame,
    tasks: list[str],
    colours: dict[str, str],
    markers: dict[str, str],
    censored: bool,
) -> None:
    """A legend under the plot, so that it never covers a point."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colours[task], marker=markers[task], markersize=4.5, label=task)
        for task in tasks
    ]
    if censored:
        handles.append(
            Line2D([], [], color="0.3", marker=r"$\uparrow$", markersize=7, linestyle="none",
                   label="above the largest $d$ tried")
        )  # fmt: skip
    axes.figure.legend(
        handles=handles, loc="outside lower center", ncols=min(3, len(handles)), frameon=False
    )


def _tasks(cells: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(cells["task"]))


def _spread(steps: pd.Series) -> float:
    return 0.012 * float(steps.max() - steps.min())


def _say_empty(axes: Any) -> None:
    axes.text(
        0.5, 0.5, "no cell has a computable $d_{90}$", ha="center", va="center",
        transform=axes.transAxes, color="0.4",
    )  # fmt: skip
