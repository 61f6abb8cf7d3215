"""Which probes a search asks for whatever comes of those before them: they can train together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.dimension.protocols import Strategy
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.stopping import never


def sure(
    strategy: Strategy, question: Question, records: Mapping[Probe, Record], asked: Probe
) -> Iterator[Probe]:
    """The probe that is asked for now and those that follow it in any case, trained by no rule.

    There is none where a training's end depends on others, as in ``efficient``. Elsewhere a d is
    decided by counting what reached, so what is asked for where all of these reach, and where all
    of them miss as well, is asked for whatever they come to.

    Args:
        strategy: a search and its rule.
        question: what the search is asked.
        records: what was trained so far.
        asked: the probe that the search asks for now.
    """
    if strategy.rule(asked, records) is not never:
        return
    reached, missed = dict(records), dict(records)
    while True:
        yield asked
        reached[asked] = Record(asked, (question.target,))
        missed[asked] = Record(asked, ())
        following = strategy.search.next(reached)
        if not isinstance(following, Probe) or following != strategy.search.next(missed):
            return
        asked = following
