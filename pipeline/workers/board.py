"""What a running study looks like: read from the lines that the driver and its stages say."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

_STARTED = re.compile(r"Running stage '(.+?)' \((\d+) of (\d+) done\)")
_ENDED = re.compile(r"[Ss]tage '(.+?)'")
_TOOK = re.compile(r"Stage '(.+?)' took (\d+) s")
# A stage names itself in front of what it says.
_SAID = re.compile(r"\[([^\]]+)\] (.*)")
_PROBE = re.compile(r"probe at d = (\d+), ")
_METRIC = re.compile(r"metric (-?[\d.]+) after \d+ of \d+ evaluations, target (-?[\d.]+): (.*)")
# Lines of a stage that are kept until it has ended well.
_KEPT = 40


@dataclass(frozen=True)
class Expected:
    """What is known of a study's stages before they run, by kind: the name before the ``@``.

    Attributes:
        stages: how many there are.
        flop: what each is expected to compute; kinds without take no time to speak of.
    """

    stages: Mapping[str, int] = field(default_factory=dict)
    flop: Mapping[str, float] = field(default_factory=dict)


@dataclass
class Running:
    """A stage that runs now.

    Attributes:
        since: when it started, in seconds of any clock.
        probes: the subspace trainings that it has begun, and ``d`` that of the last.
        metric: of the last one that ended, and ``target`` what it had to reach.
        lines: the last that it said.
    """

    since: float
    probes: int = 0
    d: int | None = None
    metric: float | None = None
    target: float | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def hear(self, text: str) -> None:
        """Take in a line of the stage's own."""
        self.lines.append(text)
        if probe := _PROBE.search(text):
            self.probes += 1
            self.d = int(probe[1])
        elif found := _METRIC.search(text):
            self.metric, self.target = float(found[1]), float(found[2])


@dataclass
class Board:
    """A running study.

    Attributes:
        jobs: stages at a time.
        done: the stages that are done, of ``total``.
        running: by name.
    """

    jobs: int
    done: int = 0
    total: int = 0
    running: dict[str, Running] = field(default_factory=dict)
    _took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    _begun: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def hear(self, line: str, now: float) -> list[str]:
        """Take in a line of the log; return what of it must be seen beside the board.

        What a stage says is on the board. What must be seen is the end of one that failed, with its
        last lines, and whatever else somebody says.
        """
        if said := _SAID.match(line):
            return self._said(said[1], said[2], line)
        if started := _STARTED.match(line):
            name = started[1]
            self.running[name] = Running(now)
            self._begun[_kind(name)] += 1
            self.done, self.total = int(started[2]), int(started[3])
            return []
        ended = _ENDED.search(line)
        if ended is None or ended[1] not in self.running:
            return [line]
        stage = self.running.pop(ended[1])
        if _TOOK.match(line) is None:
            return [*(f"[{ended[1]}] {one}" for one in stage.lines), line]
        self.done += 1
        self._took[_kind(ended[1])].append(now - stage.since)
        return []

    def _said(self, name: str, text: str, line: str) -> list[str]:
        if name not in self.running:
            return [line]
        self.running[name].hear(text)
        return []

    def seconds_left(self, expected: Expected, now: float) -> float | None:
        """Until all is done: by the stages of a kind that have ended, else by FLOP.

        None while nothing tells: no stage that computes has ended yet.
        """
        kinds = {*expected.stages, *map(_kind, self.running)}
        each = {kind: self._seconds(kind, expected) for kind in kinds}
        if not any(expected.flop.get(kind) for kind in self._took):
            return None
        waiting = {kind: max(expected.stages.get(kind, 0) - self._begun[kind], 0) for kind in kinds}
        # Stages that were up to date have no lines of their own: they are fewer of every kind.
        left, counted = self.total - self.done - len(self.running), sum(waiting.values())
        share = max(left, 0) / counted if counted else 0.0
        ahead = sum(share * count * each[kind] for kind, count in waiting.items())
        going = [
            max(each[_kind(name)] - (now - one.since), 0.0) for name, one in self.running.items()
        ]
        return max((ahead + sum(going)) / self.jobs, max(going, default=0.0))

    def _seconds(self, kind: str, expected: Expected) -> float:
        """What a stage of a kind takes."""
        took = self._took.get(kind)
        if took:
            return sum(took) / len(took)
        known = [(one, seconds) for one, seconds in self._took.items() if expected.flop.get(one)]
        flop = sum(expected.flop[one] * len(seconds) for one, seconds in known)
        rate = sum(sum(seconds) for _, seconds in known) / flop if flop else 0.0
        return rate * expected.flop.get(kind, 0.0)


def _kind(name: str) -> str:
    return name.rpartition(":")[2].partition("@")[0]
