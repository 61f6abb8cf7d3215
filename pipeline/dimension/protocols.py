"""The search protocols by name: each a strategy over the outcomes of probes, and its stop rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.dimension.efficient import EfficientConfig, EfficientSearch
from pipeline.dimension.question import Question
from pipeline.dimension.search import BinarySearch, Outcome, Probe, Verdict
from pipeline.dimension.stopping import Stop, never
from pipeline.dimension.sweep import Sweep

ProtocolName = Literal["efficient", "paper", "sweep"]


class Search(Protocol):
    """A pure search: what it knows are the outcomes that it is given."""

    def next(self, outcomes: Mapping[Probe, Outcome]) -> Probe | Verdict:
        """The probe to run next, or the verdict when the outcomes suffice."""

    def most_probes(self) -> int:
        """The largest number of probes that the search can take."""


@dataclass(frozen=True)
class Strategy:
    """A search, and the rule that ends a probe, given the outcomes before it."""

    search: Search
    rule: Callable[[Probe, Mapping[Probe, Outcome]], Stop]


def _whole(probe: Probe, outcomes: Mapping[Probe, Outcome]) -> Stop:
    return never


def _efficient(question: Question, config: EfficientConfig) -> Strategy:
    search = EfficientSearch(question, config)
    return Strategy(search, search.rule)


def _paper(question: Question, config: EfficientConfig) -> Strategy:
    """A21 §5.1: binary search with every learning rate for all epochs."""
    search = BinarySearch(
        question.grid,
        question.target,
        question.learning_rates,
        question.seeds,
        exhaustive=True,
    )
    return Strategy(search, _whole)


def _sweep(question: Question, config: EfficientConfig) -> Strategy:
    return Strategy(Sweep(question), _whole)


PROTOCOLS: dict[ProtocolName, Callable[[Question, EfficientConfig], Strategy]] = {
    "efficient": _efficient,
    "paper": _paper,
    "sweep": _sweep,
}
