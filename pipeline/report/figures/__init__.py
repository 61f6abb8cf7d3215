"""The report's figures: each is one entry here, and is drawn and shown wherever it is wanted."""

from __future__ import annotations

from pathlib import Path

from pipeline.report.figures.certificates import best_candidates, certificates
from pipeline.report.figures.dimension_curve import dimension_curve
from pipeline.report.figures.figure import Figure
from pipeline.report.figures.model_zoo import model_zoo
from pipeline.report.figures.over_d90 import generalization, relative_gap, representation
from pipeline.report.figures.own import own
from pipeline.report.figures.trajectory import trajectory
from pipeline.report.saving import save_figure
from pipeline.report.style import ReportConfig, styled
from pipeline.report.tables import Tables

FIGURES = (
    Figure(
        "trajectory",
        "Trajectory",
        "The estimate of d₉₀, the dimension at which the expected best metric meets the target, "
        "over pretraining. A thin bar is its 95 % interval; it ends in a small triangle where it "
        "goes on beyond the grid. A hollow mark with an arrow upwards stands where d₉₀ lies above"
        " the largest dimension of the grid, one with an arrow downwards where it lies below the "
        "smallest; a bar shows how far inside it may still be. Checkpoints where no d₉₀ is "
        "meaningful have no mark; under the figure and in the last table it says why. Tasks stand"
        " a little beside each other.",
        shows=lambda tables: tables.of("trajectory"),
        draw=trajectory,
    ),
    Figure(
        "generalization",
        "Generalization",
        "The {metric} of full fine-tuning over d₉₀, a mark a checkpoint, joined in the order of "
        "pretraining; bars are 95 % intervals of d₉₀. A hollow mark with an arrow to the right "
        "stands for a d₉₀ above the largest dimension of the grid, one with an arrow to the left "
        "for a d₉₀ below the smallest. Cells without a d₉₀ are left out.",
        shows=lambda tables: tables.of("trajectory"),
        draw=generalization,
    ),
    Figure(
        "relative_gap",
        "Relative generalization gap",
        "(training − evaluation) / (1 − evaluation) at the best epoch of full fine-tuning, over "
        "d₉₀, marks as above: evaluation is the {metric}, training the same on training examples."
        " Undefined, and left out, where evaluation gives 1; close to 1 single examples decide "
        "it.",
        shows=lambda tables: tables.of("trajectory"),
        draw=relative_gap,
    ),
    Figure(
        "certificates",
        "Certificates",
        "What is proved of the risk of each cell's certified model, with what was measured: its "
        "error on evaluation rows, which the bound does not use, dashed, and, dotted, the error of "
        "the commonest answer on the training rows. A bound below the dotted line proves that "
        "something was learned.",
        shows=lambda tables: best_candidates(tables).query("family == 'trajectory'"),
        draw=certificates,
    ),
    Figure(
        "own",
        "Task's own subspace",
        "d₉₀ in directions that the task's own full fine-tuning went, and, dashed, in random ones, "
        "searched for with the same rows and target; marks and bars as in the trajectory. The own "
        "directions end where the snapshots do.",
        shows=lambda tables: tables.own.query("family == 'trajectory'"),
        draw=own,
    ),
    Figure(
        "representation",
        "Dimension of hidden states",
        "TwoNN's estimate of how many dimensions the mean hidden states of the last layer have, "
        "before any fine-tuning, over d₉₀, marks as above.",
        shows=lambda tables: tables.of("trajectory").dropna(subset=["representation"]),
        draw=representation,
    ),
    Figure(
        "model_zoo",
        "Model zoo",
        "The estimate of d₉₀ over the number of parameters, a mark a published model. Bars are 95"
        " % intervals; a hollow mark with an arrow upwards stands where d₉₀ lies above the "
        "largest dimension of the grid, one with an arrow downwards where it lies below the "
        "smallest.",
        shows=lambda tables: tables.of("zoo"),
        draw=model_zoo,
    ),
    Figure(
        "dimension_curve",
        "Evaluation metric over dimension",
        "The {metric} at each subspace dimension with its best learning rate, by DID and by SAID;"
        " bands span the seeds. A triangle on the target, dashed, is the estimate of d₉₀, its bar"
        " the 95 % interval; beyond the dimensions tried it is hollow, with an arrow outwards. "
        "The dimension that first reached, which A21 reports, is in the table below.",
        shows=lambda tables: tables.table1,
        draw=dimension_curve,
    ),
)


def wanted(tables: Tables) -> list[Figure]:
    """The figures that these tables have something for, in the order of the page."""
    return [figure for figure in FIGURES if figure.wanted(tables)]


def draw_all(tables: Tables, config: ReportConfig, folder: Path) -> list[Path]:
    """Draw every wanted figure as SVG and PNG into ``folder``; return the paths."""
    paths: list[Path] = []
    for figure in wanted(tables):
        with styled(config) as pyplot:
            drawn = figure.draw(pyplot, tables, config)
            paths += save_figure(drawn, folder, figure.name, config)
    return paths
