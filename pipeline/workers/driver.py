"""``python -m pipeline repro``: the study's graph, several stages at a time."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

from pipeline.errors import UserError
from pipeline.study.params import Params
from pipeline.training.threads import ONE_THREAD_WIDTH
from pipeline.workers import graph
from pipeline.workers.local import LocalPool
from pipeline.workers.options import Options
from pipeline.workers.pool import Pool
from pipeline.workers.schedule import Schedule

log = logging.getLogger(__name__)
_PLAIN = Options()
# Seconds to wait for an end where nothing else is to be done meanwhile; it may be waited again.
_LONG = 3600.0


def default_jobs(config: Params) -> int:
    """Stages at a time where nobody says: one a core if each uses one thread, else one.

    Of wide models one stage at a time has all the threads that the machine can spare.
    """
    narrow = config.pretrains() and config.model.width <= ONE_THREAD_WIDTH
    return (os.cpu_count() or 1) if narrow and not config.zoo.models else 1


def reproduce(
    targets: Sequence[str], jobs: int, options: Options = _PLAIN, pool: Pool | None = None
) -> str:
    """Bring the targets (all of dvc.yaml without any) up to date; return a closing sentence.

    After a failure nothing new starts, unless ``options`` say so, and what runs may end.

    Args:
        targets: DVC's names of stages or files.
        jobs: stages at a time on this machine.
        options: as with ``dvc repro``.
        pool: where commands run, if not on this machine alone.

    Raises:
        UserError: a stage failed, or DVC refuses the graph.
    """
    with (
        graph.opened(targets, options) as stages,
        _Workers(stages, pool or LocalPool(jobs), options.keep_going) as workers,
    ):
        schedule = Schedule(stages.needs)
        counts: Counter[str] = Counter()
        while True:
            if workers.going and (stage := schedule.take(workers.has_room)):
                with workers.failing(stage):
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
                with workers.failing(stage):
                    workers.take_in(stage)
                    schedule.finish(stage)
                    counts["ran"] += 1
        workers.see_success(len(stages.needs) - counts.total())
    if set(counts) <= {"unchanged"}:
        return "everything is up to date"
    return "stages: " + ", ".join(f"{count} {how}" for how, count in sorted(counts.items()))


class _Running(NamedTuple):
    stage: Any
    hold: ExitStack


class _Workers:
    """The stages whose commands run now; leaving the block early ends them."""

    def __init__(self, stages: graph.Graph, pool: Pool, keep_going: bool) -> None:
        self._stages = stages
        self._pool = pool
        self._keep_going = keep_going
        self.running: dict[str, _Running] = {}
        self.failed: list[str] = []

    @property
    def going(self) -> bool:
        """Whether more may start."""
        return self._keep_going or not self.failed

    def has_room(self, stage: Any) -> bool:
        """Whether the stage's command could start now."""
        return self._pool.has_room(stage.addressing)

    @contextmanager
    def failing(self, stage: Any) -> Iterator[None]:
        """What DVC refuses of a stage is that stage's failure, where others are to go on."""
        try:
            yield
        except UserError as error:
            if not self._keep_going:
                raise
            self.failed.append(stage.addressing)
            log.info("Stage '%s' failed: %s", stage.addressing, error)

    def start(self, stage: Any, progress: str) -> None:
        """Start a stage's command."""
        work = self._stages.work(stage)
        log.info("Running stage '%s' (%s): %s", work.stage, progress, work.command)
        # Where it cannot be started its paths are let go of here: what is still held when Python
        # ends hangs there, since DVC lets go of it with a new thread.
        with ExitStack() as hold:
            hold.enter_context(self._stages.busy(stage))
            self._pool.submit(work)
            self.running[work.stage] = _Running(stage, hold.pop_all())

    def wait(self) -> list[Any]:
        """Wait until a command ends; return the stages whose commands succeeded."""
        due = self._stages.lock_due()
        with self._stages.unlocked():
            ended = self._pool.poll(_LONG if due is None else due)
        if not ended and due is not None:
            self._stages.write_lock()
        made = []
        for name, seconds, failure in ended:
            one = self.running.pop(name)
            one.hold.close()
            if failure:
                self.failed.append(name)
                log.info("After %.0f s stage '%s' %s", seconds, name, failure)
            else:
                made.append(one.stage)
                log.info("Stage '%s' took %.0f s", name, seconds)
        return made

    def take_in(self, stage: Any) -> None:
        """Give DVC what a stage's command made."""
        self._pool.fetch(stage.addressing)
        self._stages.commit(stage)

    def see_success(self, unfinished: int) -> None:
        """Raise a `UserError` if a stage failed; ``unfinished`` stages did not end well."""
        if self.failed:
            names, left = ", ".join(self.failed), unfinished - len(self.failed)
            raise UserError(f"failed: {names} (see above); {left} other stages are left undone")

    def __enter__(self) -> _Workers:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as holds:
            # Also where another Ctrl-C comes while the commands end.
            for one in self.running.values():
                holds.callback(one.hold.close)
            self._pool.close()
