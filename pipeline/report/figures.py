"""The three plots of A21 (Figures 2, 4 and 5) from the table of cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.report.saving import save_figure
from pipeline.report.shown import interval_ends
from pipeline.report.style import ReportConfig, styled
from pipeline.report.tables import Tables

Draw = Callable[[Any, pd.DataFrame, ReportConfig], None]

_ASPECT = 0.6
_D90_LABEL = r"intrinsic dimension $d_{90}$"
_UNITS = {
    "updates": "pretraining updates",
    "epochs": "pretraining epochs",
    "tokens": "pretraining tokens",
}
# Steps whose smallest distance is below this part of the mean one are not evenly spaced.
_EVEN = 0.2
# Labels of the step axis stand at least this part of its length apart.
_LABELS_APART = 0.095
# Room left and right of the first and last checkpoint, as a part of the axis between them.
_MARGIN = 0.05


def draw_all(tables: Tables, config: ReportConfig, folder: Path) -> list[Path]:
    """Draw every figure as SVG and PNG into ``folder``, none without cells; return the paths."""
    paths: list[Path] = []
    if tables.cells.empty:
        return paths
    cells = tables.cells
    if config.axis == "tokens":
        cells = cells.assign(step=cells["tokens_seen"].astype(float), unit="tokens")
    for name, draw in FIGURES.items():
        with styled(config) as pyplot:
            figure, axes = pyplot.subplots(figsize=config.size(_ASPECT), layout="constrained")
            draw(axes, cells, config)
            paths += save_figure(figure, folder, name, config)
    return paths


def trajectory(axes: Any, cells: pd.DataFrame, config: ReportConfig) -> None:
    """d₉₀ over pretraining (A21 Figure 2), a line a task.

    Where d_max did not reach the target d₉₀ is only known to be larger: an upward arrow at d_max.
    Where d_min already reached it d₉₀ may be smaller: a downward arrow under the mark. Cells
    without a meaningful d₉₀ have no mark; they are listed below with what is the matter. Thin bars
    are 95 % intervals, cut off at the ends of the search.
    """
    import seaborn

    tasks = _tasks(cells)
    colours, markers = config.by_task(tasks)
    computed = _computed(cells)
    if not computed.empty:
        seaborn.lineplot(
            computed, x="step", y="d90", hue="task", style="task", hue_order=tasks,
            style_order=tasks, palette=colours, markers=markers, dashes=False, markersize=5,
            markeredgewidth=0.5, errorbar=None, ax=axes, legend=False,
        )  # fmt: skip
    _intervals(axes, computed, colours)
    keys = _censored(axes, cells, ("step", "d_max"), colours)
    keys += _at_minimum(axes, computed, ("step", "d90"), colours)
    _legend(axes, config, tasks, keys, uncomputable(cells))
    if computed.empty and not keys:
        _say_empty(axes)
    else:
        axes.margins(y=0.1)
        axes.set_yscale("log")
        _step_axis(axes, cells["step"])
    unit = next(iter(cells["unit"]), "updates")
    axes.set_xlabel(_UNITS[unit])
    axes.set_ylabel(_D90_LABEL)


def generalization(axes: Any, cells: pd.DataFrame, config: ReportConfig) -> None:
    """Evaluation accuracy of full fine-tuning over d₉₀ (A21 Figure 4), a point a checkpoint."""
    _over_d90(axes, cells, config, "acc_eval", "evaluation accuracy")


def relative_gap(axes: Any, cells: pd.DataFrame, config: ReportConfig) -> None:
    """Relative generalization gap over d₉₀ (A21 Figure 5), a point a checkpoint."""
    _over_d90(axes, cells, config, "relative_gap", "relative gap")
    axes.axhline(0, color="0.8", linewidth=0.8, zorder=0)


FIGURES: dict[str, Draw] = {
    "trajectory": trajectory,
    "generalization": generalization,
    "relative_gap": relative_gap,
}


_UNCOMPUTABLE = {
    "baseline_at_chance": "full fine-tuning no better than the majority class",
    "target_below_chance": "the target is below the majority class",
    "diverged": "training diverged",
}


def uncomputable(cells: pd.DataFrame) -> list[str]:
    """Why there is no d₉₀, a line a status: the tasks, each with its checkpoints' updates."""
    lines = []
    for status, text in _UNCOMPUTABLE.items():
        rows = cells[cells["status"] == status]
        parts = [
            f"{task} at {', '.join(_short(step) for step in sorted(those['step']))}"
            for task, those in rows.groupby("task", sort=False)
        ]
        if parts:
            lines.append(f"no $d_{{90}}$, {text}: {'; '.join(parts)}")
    return lines


def _over_d90(axes: Any, cells: pd.DataFrame, config: ReportConfig, y: str, label: str) -> None:
    """Marks that grow from checkpoint to checkpoint, joined by a thin line in that order.

    A cell whose d₉₀ is above d_max is an arrow there, to the right.
    """
    import seaborn

    tasks = _tasks(cells)
    colours, markers = config.by_task(tasks)
    points = _computed(cells).dropna(subset=[y])
    for task in tasks:
        path = points[points["task"] == task].sort_values("step")
        axes.plot(path["d90"], path[y], color=colours[task], linewidth=0.7, alpha=0.5, zorder=1)
    keys = _censored(axes, cells, ("d_max", y), colours)
    if not points.empty:
        seaborn.scatterplot(
            points, x="d90", y=y, hue="task", style="task", hue_order=tasks, style_order=tasks,
            palette=colours, markers=markers, size="step", sizes=(10, 38), linewidth=0.4,
            legend=False, ax=axes, zorder=2,
        )  # fmt: skip
    keys += _at_minimum(axes, points, ("d90", y), colours)
    if points.empty and not keys:
        _say_empty(axes)
    else:
        axes.set_xscale("log")
        axes.margins(x=0.08)
    _legend(axes, config, tasks, keys, ["larger marks: later checkpoints"])
    axes.set_xlabel(_D90_LABEL)
    axes.set_ylabel(label)


def _computed(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.dropna(subset=["d90"]).astype({"d90": float})


def _tasks(cells: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(cells["task"]))


def _intervals(axes: Any, computed: pd.DataFrame, colours: dict[str, str]) -> None:
    """A thin bar a cell under the marks; a bound beyond the search is drawn to its end."""
    low, high = interval_ends(computed)
    axes.vlines(
        computed["step"], low, high, colors=[colours[task] for task in computed["task"]],
        linewidth=0.8, alpha=0.45, zorder=1, gid="intervals",
    )  # fmt: skip


def _censored(
    axes: Any, cells: pd.DataFrame, at: tuple[str, str], colours: dict[str, str]
) -> list[Any]:
    """An arrow at d_max a censored cell; the legend's key."""
    glyph = "rightarrow" if at[0] == "d_max" else "uparrow"
    censored = cells[cells["status"] == "not_reached"].dropna(subset=list(at))
    _arrows(axes, censored, at, glyph, 0.0, colours, "above")
    return [_key(glyph, "above the largest $d$")] if len(censored) else []


def _at_minimum(
    axes: Any, computed: pd.DataFrame, at: tuple[str, str], colours: dict[str, str]
) -> list[Any]:
    """An arrow beside marks whose d₉₀ is the smallest d of the search; the legend's key."""
    glyph = "leftarrow" if at[0] == "d90" else "downarrow"
    lowest = computed[computed["lower"].isna()]
    _arrows(axes, lowest, at, glyph, -0.75, colours, "below")
    return [_key(glyph, "at or below the smallest $d$")] if len(lowest) else []


def _arrows(
    axes: Any,
    cells: pd.DataFrame,
    at: tuple[str, str],
    glyph: str,
    away: float,
    colours: dict[str, str],
    kind: str,
) -> None:
    """An arrow a cell, ``away`` from its mark along its own direction; side by side in one place.

    Distances are in units of the arrow's size, so that the data stay what was measured.
    """
    for _, rows in cells.groupby(list(at)):
        for place, (_, row) in enumerate(rows.iterrows()):
            aside = 0.75 * (place - (len(rows) - 1) / 2)
            shift = (aside, away) if glyph in ("uparrow", "downarrow") else (away, aside)
            _arrow(axes, row, at, glyph, shift, colours, kind)


def _arrow(
    axes: Any,
    row: pd.Series,
    at: tuple[str, str],
    glyph: str,
    shift: tuple[float, float],
    colours: dict[str, str],
    kind: str,
) -> None:
    from matplotlib.markers import MarkerStyle
    from matplotlib.transforms import Affine2D

    marker = MarkerStyle(rf"$\{glyph}$").transformed(Affine2D().translate(*shift))
    axes.plot(
        [row[at[0]]], [row[at[1]]], linestyle="none", marker=marker, markersize=7,
        markeredgewidth=0.3, color=colours[row["task"]], clip_on=False,
        gid=f"{kind}-{row['checkpoint']}-{row['task']}",
    )  # fmt: skip


def _key(glyph: str, label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(
        [], [], color="0.3", marker=rf"$\{glyph}$", markersize=7, markeredgewidth=0.3,
        linestyle="none", label=label,
    )  # fmt: skip


def _legend(
    axes: Any, config: ReportConfig, tasks: list[str], keys: list[Any], notes: Sequence[str] = ()
) -> None:
    """Notes and a legend under the plot, where they cover no point; the figure grows by them."""
    from matplotlib.lines import Line2D

    colours, markers = config.by_task(tasks)
    handles: list[Any] = [
        Line2D([], [], color=colours[task], marker=markers[task], markersize=4.5,
               markeredgewidth=0, label=task)
        for task in tasks
    ]  # fmt: skip
    handles += keys
    columns = config.legend_columns([handle.get_label() for handle in handles])
    lines = [line for note in notes for line in config.wrap(note)]
    figure = axes.figure
    figure.legend(
        handles=handles, loc="outside lower center", ncols=columns, frameon=False,
        title="\n".join(lines), borderpad=0, borderaxespad=0.4,
    )  # fmt: skip
    width, height = figure.get_size_inches()
    rows = math.ceil(len(handles) / columns) + len(lines)
    figure.set_size_inches(width, height + rows * config.line_inches())


def _step_axis(axes: Any, steps: pd.Series) -> None:
    """Linear for evenly spaced checkpoints, else logarithmic (linear up to the first update).

    Every checkpoint has a tick, and a label as far as there is room.
    """
    known = np.array(sorted(set(steps)), dtype=float)
    gaps = np.diff(known)
    if len(gaps) and gaps.min() < _EVEN * gaps.mean():
        axes.set_xscale("symlog", linthresh=known[known > 0].min(), linscale=0.6)
    places = axes.xaxis.get_transform().transform(known)
    labelled = [0]
    for index in range(1, len(known)):
        if places[index] - places[labelled[-1]] >= _LABELS_APART * (places[-1] - places[0]):
            labelled.append(index)
    axes.set_xticks(known[labelled], [_short(step) for step in known[labelled]])
    axes.set_xticks(known, minor=True)
    margin = _MARGIN * (places[-1] - places[0])
    if margin:
        ends = np.array([places[0] - margin, places[-1] + margin])
        axes.set_xlim(axes.xaxis.get_transform().inverted().transform(ends))


def _short(step: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if step >= size:
            return f"{float(f'{step / size:.3g}'):g}{letter}"
    return f"{step:g}"


def _say_empty(axes: Any) -> None:
    axes.text(
        0.5, 0.5, "no cell has a computable $d_{90}$", ha="center", va="center",
        transform=axes.transAxes, color="0.4",
    )  # fmt: skip
