"""Commands on this machine, as forks of one process that has the large libraries loaded."""

from __future__ import annotations

import time
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from typing import Any, NamedTuple

from pipeline.workers import process
from pipeline.workers.death import Peak, ending
from pipeline.workers.pool import Ended, Work

# Seconds between two looks at the memory of what runs.
_LOOK_EVERY = 1.0


class _Running(NamedTuple):
    stage: str
    slot: int
    process: ForkServerProcess
    since: float
    peak: Peak


class LocalPool:
    """At most ``jobs`` commands at a time."""

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs
        self._forks = process.context()
        self._running: dict[Any, _Running] = {}

    def has_room(self, stage: str) -> bool:
        """Whether fewer than ``jobs`` commands run, whatever the stage."""
        return len(self._running) < self._jobs

    def submit(self, work: Work) -> None:
        """Start a command; of several GPUs it has one of its own (`pipeline.training.device`)."""
        taken = {one.slot for one in self._running.values()}
        slot = next(slot for slot in range(self._jobs) if slot not in taken)
        variables = {**work.variables, "PIPELINE_SLOT": str(slot)}
        started = process.start(self._forks, work.command, work.folder, variables)
        self._running[started.sentinel] = _Running(
            work.stage, slot, started, time.monotonic(), Peak(started.pid)
        )

    def poll(self, within: float) -> list[Ended]:
        """The commands that have ended; meanwhile the memory of those that run is looked at."""
        until = time.monotonic() + within
        while True:
            left = until - time.monotonic()
            ended = connection.wait(list(self._running), min(max(left, 0.0), _LOOK_EVERY))
            if ended or left <= _LOOK_EVERY:
                return [self._end(self._running.pop(sentinel)) for sentinel in ended]
            for one in self._running.values():
                one.peak.look()

    def _end(self, one: _Running) -> Ended:
        one.process.join()
        took, status = time.monotonic() - one.since, one.process.exitcode
        how = ending(one.stage, status, str(one.peak), self._jobs) if status else None
        return Ended(one.stage, took, how)

    def fetch(self, stage: str) -> None:
        """What a command makes here is in its place already."""

    def close(self) -> None:
        """Ask all commands to end, and see that they do."""
        for one in self._running.values():
            one.process.terminate()
            one.process.join()
