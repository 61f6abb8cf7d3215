"""What a search ends with: why, and the paper's number as far as the trainings determine it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.common.status import SearchEnd
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record


@dataclass(frozen=True)
class Verdict:
    """The end of a search.

    Attributes:
        ended: why it ended.
        d90_paper: the paper's number: the smallest d that reached while ``lower``, the next smaller
            one of the grid, missed; ``lower`` is None where the smallest d of the grid reached.
            Both None where the trainings do not determine it; with ``lower`` alone the largest d
            of the grid missed.
        winner: the best training at ``d90_paper``, or without one at the smallest d that reached.
        probes: those whose records the search used, in its order.
    """

    ended: SearchEnd
    d90_paper: int | None = None
    lower: int | None = None
    winner: Probe | None = None
    probes: tuple[Probe, ...] = ()


def conclude(
    question: Question,
    records: Mapping[Probe, Record],
    ended: SearchEnd,
    bracket: tuple[int, int] | None,
) -> Verdict:
    """The verdict of a finished search.

    Args:
        question: what was asked.
        records: those that the search used.
        ended: why it ended.
        bracket: neighbouring grid indices of which the lower one missed and the higher reached, −1
            and one past the grid where every d reached or missed; None where that is not known.
    """
    low, high = bracket or (None, None)
    grid = question.grid
    d90 = grid[high] if high is not None and high < len(grid) else None
    return Verdict(
        ended,
        d90_paper=d90,
        lower=grid[low] if low is not None and low >= 0 else None,
        winner=_winner(question, records, d90),
        probes=tuple(records),
    )


def _winner(question: Question, records: Mapping[Probe, Record], d90: int | None) -> Probe | None:
    """The best training at the paper's d₉₀, or else at the smallest d with one that reached."""
    passed = [probe for probe in records if records[probe].reached(question.target)]
    place = d90 if d90 is not None else min((probe.d for probe in passed), default=None)
    at = [probe for probe in records if probe.d == place]
    return max(at, key=lambda probe: records[probe].score(question.target), default=None)
