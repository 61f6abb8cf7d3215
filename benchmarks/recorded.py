"""Whole training curves of real cells, kept in a journal, so that searches can be replayed.

A line is one training, or what a cell's trainings have in common; its ``key`` says which:

    [checkpoint, task, "full", k]                    full fine-tuning with the k-th seed
    [checkpoint, task, "meta"]                       chance, D, evaluation rows, learning rate
    [checkpoint, task, "probe", d, seed, multiple]   a probe; its rate is ``multiple`` units
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from pipeline.common.artifacts import Journal, Json
from pipeline.common.target import target_metric
from pipeline.dimension.binomial import binomial_error
from pipeline.dimension.grid import GridConfig, grid_values
from pipeline.dimension.question import Near, Question
from pipeline.dimension.record import Ending, Probe, Record
from pipeline.probes.rates import offered
from pipeline.subspace.config import SubspaceConfig

# Relative to the unit of docs/normalisation.md, in the order in which the paper's search tries them
# and leaves the rest once one has reached.
MULTIPLES = (0.5, 1.0, 0.25, 2.0)
# The efficient search begins with the middle of its list: with what the paper's tries first.
SEARCHED = (0.25, 0.5, 1.0)
# As in the laptop preset: epochs of a probe, and the grid of its D.
EPOCHS = 8
GRID = grid_values(GridConfig(minimum=5, ratio=1.5), 4, 61_538)
FRACTION = 0.9
# By so many standard errors full fine-tuning must beat chance for a d₉₀ to be searched.
MARGIN = 3.0


@dataclass(frozen=True)
class Meta:
    """What a cell's trainings have in common.

    Attributes:
        chance: the metric that takes no training, and ``chance_error`` its standard error.
        parameters: D.
        rows: evaluation examples.
        rate: full fine-tuning's learning rate.
    """

    chance: float
    chance_error: float
    parameters: int
    rows: int
    rate: float


@dataclass
class RecordedCell:
    """A cell's recorded trainings.

    Attributes:
        checkpoint: the measured model's name.
        task: the task's name.
        meta: see `Meta`; None while it is not recorded.
        full: the curves of full fine-tuning, a seed each.
        probes: a probe's line by (d, seed, multiple).
        tokens: an epoch's.
    """

    checkpoint: str
    task: str
    meta: Meta | None = None
    full: list[list[float]] = field(default_factory=list)
    probes: dict[tuple[int, int, float], Json] = field(default_factory=dict)
    tokens: int = 0

    def take(self, row: Json) -> None:
        """Take in a line of the journal."""
        kind, *place = row["key"][2:]
        if kind == "full":
            self.full.append(row["curve"])
            self.tokens = row["tokens"] // max(len(row["curve"]), 1)
        elif kind == "meta":
            own = ("chance", "chance_error", "D", "rows", "lr")
            self.meta = Meta(*(row[key] for key in own))
        else:
            self.probes[tuple(place)] = row

    def question(self, near: Near | None = None) -> Question | None:
        """What is asked of the cell; None where full fine-tuning does not beat chance clearly.

        The target is counted from the mean of the full runs' best metrics, whose spread says how
        far it may be off.
        """
        meta = self.meta
        assert meta is not None, f"{self.checkpoint} {self.task}: the recording is not finished"
        best = [max(curve, default=0.0) for curve in self.full]
        full = statistics.mean(best)
        if full <= meta.chance + MARGIN * meta.chance_error:
            return None
        target = target_metric(full, meta.chance, FRACTION, "chance_corrected")
        return Question(
            grid=GRID,
            target=target,
            rates=offered(
                MULTIPLES, None,
                subspace=SubspaceConfig(), full_rate=meta.rate, size=meta.parameters, grid=GRID,
            ),
            full=full,
            full_error=FRACTION * statistics.stdev(best) / len(best) ** 0.5,
            evaluations=EPOCHS,
            cost=EPOCHS / len(self.full[0]),
            chance=meta.chance,
            chance_error=meta.chance_error,
            target_error=binomial_error(target, meta.rows),
            near=near,
        )  # fmt: skip

    def place(self, probe: Probe, question: Question) -> tuple[int, int, float]:
        """What a probe is filed under."""
        return probe.d, probe.seed, question.rates.multiple(probe.d, probe.learning_rate)

    def record(self, probe: Probe, question: Question) -> Record | None:
        """A probe's whole training; None where it is not recorded."""
        row = self.probes.get(self.place(probe, question))
        if row is None:
            return None
        ended = Ending.DIVERGED if row["diverged"] else Ending.COMPLETE
        return Record(probe, tuple(row["curve"]), ended)


def recorded(journal: Journal) -> list[RecordedCell]:
    """The cells of a journal in the order in which they were recorded."""
    cells: dict[tuple[str, str], RecordedCell] = {}
    for row in journal.read():
        checkpoint, task = row["key"][:2]
        cells.setdefault((checkpoint, task), RecordedCell(checkpoint, task)).take(row)
    return list(cells.values())
