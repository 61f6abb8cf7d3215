"""How long a cell's trainings are expected to be: full fine-tuning's, and its search's together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import ProtocolName
from pipeline.estimate.simulate import EPOCHS, PROFILES, expected_epochs
from pipeline.finetuning.baseline import BaselineConfig
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SearchConfig

# The simulated task that stands for a task with fewer evaluation rows than this; above them MNLI.
_STANDS_BELOW = {"mrpc": 600, "sst2": 3_000}
# Whole runs that an efficient full fine-tuning comes to: two seeds of the best learning rate, each
# ended half-way, and two rates beside it dropped after 15 % of their epochs. Not yet measured.
EFFICIENT_RUNS = 2 * 0.5 + 2 * 0.15
# Evaluations an epoch of full fine-tuning; of short epochs, whose cost is nothing to speak of, the
# efficient protocol has one too.
FULL_EVALUATIONS = {"paper": 1, "efficient": 4}


@dataclass(frozen=True)
class Searched:
    """What decides a search's length beside its settings.

    Attributes:
        grid: the values of d.
        rows: evaluation rows of the task.
        neighbours: whether it may start from another cell's answer.
    """

    grid: tuple[int, ...]
    rows: int
    neighbours: bool


def full_epochs(config: FinetuneConfig, baseline: BaselineConfig) -> float:
    """Epochs that full fine-tuning trains: by the paper's protocol all with every learning rate."""
    runs = len(config.learning_rates) if baseline.protocol == "paper" else EFFICIENT_RUNS
    return runs * config.epochs


def most_trainings(search: SearchConfig, grid: tuple[int, ...]) -> float:
    """The most whole trainings that a search on a grid can take."""
    each = search.seeds * len(search.learning_rates or search.rates)
    if search.protocol == "sweep":
        return len(grid) * each
    if search.protocol == "paper":
        return len(grid).bit_length() * each
    # The budget is in full fine-tunings, as long as probes; the last one may overdraw it.
    return search.efficient.budget + 1


def search_trainings(search: SearchConfig, searched: Searched) -> float:
    """Whole trainings that the probes of a search are expected to cost together."""
    below = (name for name, rows in _STANDS_BELOW.items() if searched.rows < rows)
    return search.seeds * _trainings(
        search.protocol,
        search.efficient,
        search.learning_rates or search.rates,
        search.learning_rates is None,
        searched.grid,
        searched.neighbours,
        next(below, "mnli"),
    )


@lru_cache(maxsize=64)
def _trainings(
    protocol: ProtocolName,
    efficient: EfficientConfig,
    rates: tuple[float, ...],
    relative: bool,
    grid: tuple[int, ...],
    neighbours: bool,
    profile: str,
) -> float:
    """Simulated once for all cells that are alike."""
    epochs = expected_epochs(
        protocol, efficient, grid, rates, PROFILES[profile],
        neighbours=neighbours, relative=relative,
    )  # fmt: skip
    return epochs / EPOCHS
