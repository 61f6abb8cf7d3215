"""``python -m pipeline repro``: the study's graph, several stages at a time."""

from __future__ import annotations

import logging
import math
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import UserError
from pipeline.study.params import Params
from pipeline.training.threads import ONE_THREAD_WIDTH
from pipeline.workers import graph, process
from pipeline.workers.death import Peak, ending
from pipeline.workers.options import Options
from pipeline.workers.schedule import Schedule

log = logging.getLogger(__name__)
_PLAIN = Options()
# Seconds between two looks at the memory of what runs.
_LOOK_EVERY = 1.0


def default_jobs(config: Params) -> int:
    """Stages at a time where nobody says: one a core if each uses one thread, else one.

    Of wide models one stage at a time has all the threads that the machine can spare.
    """
    narrow = config.pretrains() and config.model.width <= ONE_THREAD_WIDTH
    return (os.cpu_count() or 1) if narrow and not config.zoo.models else 1


def reproduce(targets: Sequence[str], jobs: int, options: Options = _PLAIN) -> str:
    """Bring the targets (all of dvc.yaml without any) up to date; return a closing sentence.

    After a failure nothing new starts, unless ``options`` say so, and what runs may end.

    Raises:
        UserError: a stage failed, or DVC refuses the graph.
    """
    with graph.opened(targets, options) as stages, _Workers(stages, jobs) as workers:
        schedule = Schedule(stages.needs)
        counts: Counter[str] = Counter()
        while True:
            going = options.keep_going or not workers.failed
            if going and workers.free and (stage := schedule.take()):
                with workers.failing(stage, options.keep_going):
                    how = stages.settle(stage)
                    if how is None:
                        workers.start(stage, f"{counts.total()} of {len(stages.needs)} done")
                    else:
                        counts[how] += 1
                        schedule.finish(stage)
                continue
            if not workers.running:
                break
            for stage in workers.wait():
                with workers.failing(stage, options.keep_going):
                    stages.commit(stage)
                    schedule.finish(stage)
                    counts["ran"] += 1
        if workers.failed:
            left = len(stages.needs) - counts.total() - len(workers.failed)
            names = ", ".join(workers.failed)
            raise UserError(f"failed: {names} (see above); {left} other stages are left undone")
    if set(counts) <= {"unchanged"}:
        return "everything is up to date"
    return "stages: " + ", ".join(f"{count} {how}" for how, count in sorted(counts.items()))


class _Running(NamedTuple):
    stage: Any
    slot: int
    process: ForkServerProcess
    since: float
    hold: ExitStack
    peak: Peak


class _Workers:
    """The commands that run now, at most ``jobs``; leaving the block early ends them."""

    def __init__(self, stages: graph.Graph, jobs: int) -> None:
        self._stages = stages
        self._jobs = jobs
        self._forks = process.context()
        self.running: dict[Any, _Running] = {}
        self.failed: list[str] = []

    @property
    def free(self) -> bool:
        return len(self.running) < self._jobs

    @contextmanager
    def failing(self, stage: Any, keep_going: bool) -> Iterator[None]:
        """What DVC refuses of a stage is that stage's failure, where others are to go on."""
        try:
            yield
        except UserError as error:
            if not keep_going:
                raise
            self.failed.append(stage.addressing)
            log.info("Stage '%s' failed: %s", stage.addressing, error)

    def start(self, stage: Any, progress: str) -> None:
        command = self._stages.command(stage)
        log.info("Running stage '%s' (%s): %s", stage.addressing, progress, command)
        taken = {one.slot for one in self.running.values()}
        slot = next(slot for slot in range(self._jobs) if slot not in taken)
        # Which of several GPUs is the stage's own (`pipeline.training.device`).
        variables = self._stages.variables(stage) | {"PIPELINE_SLOT": str(slot)}
        # Where it cannot be started its paths are let go of here: what is still held when Python
        # ends hangs there, since DVC lets go of it with a new thread.
        with ExitStack() as hold:
            hold.enter_context(self._stages.busy(stage))
            started = process.start(self._forks, command, Path(stage.wdir), variables)
            self.running[started.sentinel] = _Running(
                stage, slot, started, time.monotonic(), hold.pop_all(), Peak(started.pid)
            )

    def wait(self) -> list[Any]:
        """Wait until a command ends; return the stages whose commands succeeded."""
        ended_now = self._ended(self._stages.lock_due())
        if not ended_now:
            self._stages.write_lock()
            ended_now = self._ended(None)
        made = []
        for sentinel in ended_now:
            one = self.running[sentinel]
            one.hold.close()
            one.process.join()
            del self.running[sentinel]
            took, name = time.monotonic() - one.since, one.stage.addressing
            if status := one.process.exitcode:
                self.failed.append(name)
                how = ending(name, status, one.peak, self._jobs)
                log.info("After %.0f s stage '%s' %s", took, name, how)
            else:
                made.append(one.stage)
                log.info("Stage '%s' took %.0f s", name, took)
        return made

    def _ended(self, within: float | None) -> list[Any]:
        """The sentinels of commands that have ended; waits no longer than so many seconds."""
        until = math.inf if within is None else time.monotonic() + within
        with self._stages.unlocked():
            while True:
                left = until - time.monotonic()
                ended = connection.wait(list(self.running), min(max(left, 0.0), _LOOK_EVERY))
                if ended or left <= _LOOK_EVERY:
                    return ended
                for one in self.running.values():
                    one.peak.look()

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as holds:
            # Also where another Ctrl-C comes while the commands end.
            for one in self.running.values():
                holds.callback(one.hold.close)
            for one in self.running.values():
                one.process.terminate()
                one.process.join()
