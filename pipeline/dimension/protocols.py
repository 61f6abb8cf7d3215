"""The search protocols by name: each a strategy over the records of probes, and its stop rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pipeline.dimension.efficient import EfficientSearch
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.search import BinarySearch
from pipeline.dimension.stopping import Stop, never
from pipeline.dimension.sweep import Sweep
from pipeline.dimension.verdict import Verdict

ProtocolName = Literal["efficient", "paper", "sweep"]


class Search(Protocol):
    """A pure search: what it knows are the records that it is given."""

    def next(self, records: Mapping[Probe, Record]) -> Probe | Verdict:
        """The probe to run next, or the verdict when the records suffice."""


def _whole(probe: Probe, records: Mapping[Probe, Record]) -> Stop:
    return never


@dataclass(frozen=True)
class Strategy:
    """A search, and the rule that ends a probe, given the records before it (default: none)."""

    search: Search
    rule: Callable[[Probe, Mapping[Probe, Record]], Stop] = _whole


def _efficient(question: Question, config: EfficientConfig) -> Strategy:
    search = EfficientSearch(question, config)
    return Strategy(search, search.rule)


def _paper(question: Question, config: EfficientConfig) -> Strategy:
    """A21 §5.1: binary search with every learning rate for all epochs."""
    return Strategy(BinarySearch(question, exhaustive=True))


def _sweep(question: Question, config: EfficientConfig) -> Strategy:
    return Strategy(Sweep(question))


PROTOCOLS: dict[ProtocolName, Callable[[Question, EfficientConfig], Strategy]] = {
    "efficient": _efficient,
    "paper": _paper,
    "sweep": _sweep,
}
