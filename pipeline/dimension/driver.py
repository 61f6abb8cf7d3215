"""The one loop of every search: ask for a probe, train it, tell what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pipeline.dimension.protocols import Strategy
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.stopping import Stop
from pipeline.dimension.verdict import Verdict

Train = Callable[[Probe, Stop], Record]
Announce = Callable[[Probe, Mapping[Probe, Record]], None]


def drive(
    strategy: Strategy, train: Train, announce: Announce | None = None
) -> tuple[Verdict, dict[Probe, Record]]:
    """Search until the verdict; return it with the records that it rests on, in its order.

    Args:
        strategy: what asks for probes, and when each may end.
        train: trains a probe until the rule ends it; or takes what such a training would have left
            from a journal (`resumed`), or from a training without a rule (`cut`).
        announce: is told what is asked for before it is trained, with the records before it.
    """
    records: dict[Probe, Record] = {}
    while isinstance(answer := strategy.search.next(records), Probe):
        if announce:
            announce(answer, records)
        records[answer] = train(answer, strategy.rule(answer, records))
    return answer, {probe: records[probe] for probe in answer.probes}


def cut(whole: Record, stop: Stop) -> Record:
    """What a training under ``stop`` would have shown, from one that had all of its epochs.

    Only the curve and the ending are told: the rest of ``whole`` belongs to its own best epoch.
    """
    for length in range(1, len(whole.curve)):
        curve = whole.curve[:length]
        if ended := stop(curve):
            return Record(whole.probe, curve, ended)
    return Record(whole.probe, whole.curve, whole.ended)
