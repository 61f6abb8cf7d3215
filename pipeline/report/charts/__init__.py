"""The page's interactive charts: each is one entry here, and is drawn wherever it is wanted."""

from __future__ import annotations

from pipeline.report.charts.certificates import certificates
from pipeline.report.charts.chart import Chart
from pipeline.report.charts.cost import cost
from pipeline.report.charts.over_d90 import generalization, relative_gap, representation
from pipeline.report.charts.own import own
from pipeline.report.charts.pretraining import pretraining
from pipeline.report.charts.sweep import sweep
from pipeline.report.charts.taskspaces import taskspaces, transfer
from pipeline.report.charts.trajectory import trajectory
from pipeline.report.charts.zoo import zoo
from pipeline.report.figures.certificates import best_candidates
from pipeline.report.tables import Tables

CHARTS = (
    Chart(
        "trajectory",
        "d₉₀ along pretraining",
        "The estimate of d₉₀ at each checkpoint, a line a task. A bar is its 95 % interval and "
        "ends in a triangle where it goes on beyond the grid. A hollow mark with an arrow stands "
        "at the end of the grid beyond which d₉₀ lies, or, where no training reached, at the lower "
        "end of the interval. Tasks stand a little beside each other, so "
        "that their bars can be told apart.",
        shows=lambda tables: tables.of("trajectory"),
        draw=trajectory,
        of_d90=True,
    ),
    Chart(
        "generalization",
        "Generalization",
        "The {metric} of full fine-tuning over d₉₀, a mark a checkpoint, joined in the order of "
        "pretraining; bars and arrows as above.",
        shows=lambda tables: tables.of("trajectory"),
        draw=generalization,
        of_d90=True,
    ),
    Chart(
        "relative_gap",
        "Relative generalization gap",
        "(training − evaluation) / (1 − evaluation) at the best epoch of full fine-tuning, over "
        "d₉₀: evaluation is the {metric}, training the same on training examples. Undefined, and "
        "left out, where evaluation gives 1; close to 1 single examples decide it.",
        shows=lambda tables: tables.of("trajectory"),
        draw=relative_gap,
        of_d90=True,
    ),
    Chart(
        "certificates",
        "Certificates along pretraining",
        "What is proved of the risk, the share of wrong answers on texts like the training rows, "
        "of a model that a file of so many bits describes: but for the probability that "
        "certificates.csv names it is at most this. Dashed is its error on evaluation rows, which "
        "the bound does not use; dotted the error of the commonest answer on the training rows. A "
        "bound below the dotted line proves that something was learned.",
        shows=lambda tables: best_candidates(tables).query("family == 'trajectory'"),
        draw=certificates,
    ),
    Chart(
        "taskspaces",
        "Task-specific subspaces along pretraining",
        "The {metric} of training in directions that the task’s own full fine-tuning went, beside "
        "as many random ones and other controls; embeddings and head are trained whole in all of "
        "them. Means of the seeds with 95 % intervals. The last two are full fine-tunings that "
        "began with the weights at zero that the task moves most, or with others of the same "
        "parameters and magnitudes; outliers.csv says where those sit.",
        shows=lambda tables: tables.taskspaces.query("family == 'trajectory' and arm != ''"),
        draw=taskspaces,
    ),
    Chart(
        "own",
        "d₉₀ of the task’s own subspace",
        "d₉₀ in directions that a full fine-tuning on one half of the training rows went, and in "
        "random ones, both searched for with the other half and the same target "
        "(taskspaces.rows: halves; with same the rows are the same). Bars and arrows as above; the "
        "own directions end where the snapshots do.",
        shows=lambda tables: tables.own.query("family == 'trajectory'"),
        draw=own,
        of_d90=True,
    ),
    Chart(
        "transfer",
        "One subspace from several tasks",
        "The {metric} of training in the directions that all tasks’ fine-tunings went together, "
        "in those of all tasks but this one, in the task’s own, and in random ones, as many a "
        "layer each; embeddings and head are trained whole. Means of the seeds with 95 % "
        "intervals.",
        shows=lambda tables: tables.transfer.query("family == 'trajectory' and arm != ''"),
        draw=transfer,
    ),
    Chart(
        "representation",
        "Dimension of hidden states over d₉₀",
        "TwoNN’s estimate of how many dimensions the mean hidden states of the last layer have on "
        "the task’s evaluation rows, before any fine-tuning, over d₉₀; bars and arrows as above. "
        "Do the two notions of intrinsic dimension move together? representation.csv has every "
        "layer, the first token’s states, MLE and the intervals.",
        shows=lambda tables: tables.of("trajectory").dropna(subset=["representation"]),
        draw=representation,
        of_d90=True,
    ),
    Chart(
        "zoo",
        "d₉₀ over model size",
        "The estimate of d₉₀ of published models over their number of parameters; bars and arrows "
        "as in the other charts.",
        shows=lambda tables: tables.of("zoo"),
        draw=zoo,
        of_d90=True,
    ),
    Chart(
        "sweep",
        "Evaluation metric over dimension",
        "The {metric} at each subspace dimension with its best learning rate, by DID and by SAID; "
        "bands span the seeds. A cross at the height of the target is the d₉₀ that Aghajanyan, "
        "Gupta and Zettlemoyer 2021 published, shown only where model and task are theirs and "
        "neither full fine-tuning nor the probes deviate from their protocol.",
        shows=lambda tables: tables.table1,
        draw=sweep,
        of_d90=True,
    ),
    Chart(
        "pretraining",
        "Pretraining",
        "What pretraining logged: the masked words' loss, with the loss on held-out blocks as a "
        "diamond at each checkpoint, and the learning rate.",
        shows=lambda tables: tables.pretraining,
        draw=pretraining,
    ),
    Chart(
        "cost",
        "Cost",
        "FLOP of everything that was measured, evaluations included, a bar a model: a piece a task "
        "and stage. Pretraining is not counted.",
        shows=lambda tables: tables.cells if len(tables.cells) else tables.table1,
        draw=cost,
    ),
)


def wanted(tables: Tables) -> list[Chart]:
    """The charts that these tables have something for, in the order of the page."""
    return [chart for chart in CHARTS if len(chart.shows(tables))]
