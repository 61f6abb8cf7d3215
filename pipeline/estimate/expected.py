"""How long a cell's trainings are expected to be: full fine-tuning's, and its search's together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import ProtocolName
from pipeline.estimate.simulate import EPOCHS, PROFILES, expected_epochs
from pipeline.finetuning.baseline import BaselineConfig
from pipeline.finetuning.recipe import EVALUATIONS, FinetuneConfig, long_evaluations
from pipeline.probes.config import SearchConfig

# The simulated task that stands for a task with fewer evaluation rows than this; above them MNLI.
_STANDS_BELOW = {"mrpc": 600, "sst2": 3_000}
# Whole runs that an efficient full fine-tuning of several rates comes to, by the shares of a run
# that recorded trainings had (benchmarks/RESULTS.md, "Full fine-tuning"): two seeds of the best
# rate, and the rates beside it.
_ALONE, _BESIDE, _SEEDS = 0.77, 0.63, 2
MEASURED = (
    f"up to {_SEEDS} seeds of {_ALONE:g} and 2 other rates of {_BESIDE:g} whole runs each, as "
    "recorded trainings of the laptop preset had"
)
# Evaluations an epoch of full fine-tuning; of short epochs, whose cost is nothing to speak of, the
# efficient protocol has one too.
FULL_EVALUATIONS = {"paper": 1, "efficient": EVALUATIONS}


@dataclass(frozen=True)
class Searched:
    """What decides a search's length beside its settings.

    Attributes:
        grid: the values of d.
        rows: evaluation rows of the task.
        neighbours: whether it may start from another cell's answer.
        an_epoch: evaluations an epoch of a probe.
    """

    grid: tuple[int, ...]
    rows: int
    neighbours: bool
    an_epoch: int = 1


def evaluations_an_epoch(search: SearchConfig, finetune: FinetuneConfig, rows: int) -> int:
    """How often a probe of a search is evaluated in an epoch on so many training rows."""
    if search.protocol != "efficient":
        return 1
    epochs = search.epochs or finetune.epochs
    own = search.efficient.evaluations or long_evaluations(rows, finetune.batch, epochs)
    return max(round((own or epochs) / epochs), 1)


def full_epochs(config: FinetuneConfig, baseline: BaselineConfig) -> float:
    """Epochs that full fine-tuning trains: by the paper's protocol all with every learning rate."""
    rates = len(config.learning_rates)
    if baseline.protocol == "paper":
        return rates * config.epochs
    beside = min(rates - 1, 2)
    return (min(_SEEDS, baseline.runs) * _ALONE + beside * _BESIDE) * config.epochs


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
        searched.an_epoch,
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
    an_epoch: int,
    profile: str,
) -> float:
    """Simulated once for all cells that are alike."""
    epochs = expected_epochs(
        protocol, efficient, grid, rates, PROFILES[profile],
        neighbours=neighbours, relative=relative, an_epoch=an_epoch,
    )  # fmt: skip
    return epochs / EPOCHS
