"""How long a cell's trainings are expected to be: full fine-tuning's, and its search's together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS, ProtocolName
from pipeline.dimension.question import Question
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


def most_probes(search: SearchConfig, grid: tuple[int, ...]) -> int:
    """The largest number of probes that a search on a grid can take."""
    question = Question(grid, 0.0, search.learning_rates, search.seeds)
    return PROTOCOLS[search.protocol](question, search.efficient).search.most_probes()


def search_trainings(search: SearchConfig, searched: Searched) -> float:
    """Whole trainings that the probes of a search are expected to cost together."""
    below = (name for name, rows in _STANDS_BELOW.items() if searched.rows < rows)
    return search.seeds * _trainings(
        search.protocol,
        search.efficient,
        search.learning_rates,
        searched.grid,
        searched.neighbours,
        next(below, "mnli"),
    )


@lru_cache(maxsize=64)
def _trainings(
    protocol: ProtocolName,
    efficient: EfficientConfig,
    rates: tuple[float, ...],
    grid: tuple[int, ...],
    neighbours: bool,
    profile: str,
) -> float:
    """Simulated once for all cells that are alike."""
    epochs = expected_epochs(protocol, efficient, grid, rates, PROFILES[profile], neighbours)
    return epochs / EPOCHS
