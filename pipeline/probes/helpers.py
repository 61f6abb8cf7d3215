"""Processes beside a search that train what it will ask for in any case, several at a time.

How many there are is a fact of the machine, as the processes of pretraining are, and decides no
result: each training is what it would be alone, and the search takes them in its own order.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import torch

from pipeline.dimension.record import Probe, Record
from pipeline.errors import UserError
from pipeline.finetuning.cell import Cell
from pipeline.probes.probe import ProbeRunner

PARALLEL = "PIPELINE_PARALLEL"
_LOG = logging.getLogger(__name__)
# In a helper: what it trains with.
_OWN: list[ProbeRunner] = []


def _processes(count: int, begin: Callable[[], None]) -> Executor:
    spawned = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(count, mp_context=spawned, initializer=begin)


@dataclass(frozen=True)
class Helpers:
    """So many processes, each of which opens the cell for itself.

    Attributes:
        count: how many train at a time.
        opened: opens the cell, in any process.
        begins: what a new process does before, given the number of the one that it is to end with.
        executor: makes what runs so many at a time, each after a first call.
    """

    count: int
    opened: Callable[[], Cell]
    begins: Callable[[int], None]
    executor: Callable[[int, Callable[[], None]], Executor] = _processes

    @contextmanager
    def training(self, runner: ProbeRunner) -> Iterator[Together]:
        """Have them train the probes of a runner; none is left behind."""
        parts = (runner.subspace, runner.finetune, runner.training, runner.scratch)
        begin = _Begin(self.begins, self.opened, parts, torch.get_num_threads(), os.getpid())
        executor = self.executor(self.count, begin)
        try:
            yield Together(executor, self.count, runner)
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise
        finally:
            executor.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class Together:
    """A runner's probes that train in helpers."""

    executor: Executor
    count: int
    runner: ProbeRunner
    _running: dict[Probe, Future[Record]] = field(default_factory=dict)

    def bring(self, probes: Iterator[Probe]) -> None:
        """See to it that the journal has the first probe's whole training, while others train.

        Args:
            probes: what is asked for in any case; without any nothing is done.

        Raises:
            UserError: a helper was ended.
        """
        # One more than can train, so that no helper waits for this process.
        wanted = list(islice(probes, self.count + 1))
        for probe in wanted:
            self._start(probe)
        self._enter_ended()
        while wanted and wanted[0] in self._running:
            wait(self._running.values(), return_when=FIRST_COMPLETED)
            self._enter_ended()

    def _start(self, probe: Probe) -> None:
        if probe not in self._running and self.runner.known(probe) is None:
            self._running[probe] = self.executor.submit(_train, probe)

    def _enter_ended(self) -> None:
        for probe in [one for one, future in self._running.items() if future.done()]:
            self._enter(self._running.pop(probe))

    def _enter(self, future: Future[Record]) -> None:
        try:
            record = future.result()
        except BrokenProcessPool as error:
            raise UserError(
                "a process that trains probes was ended, perhaps because memory ran out: lower "
                f"{PARALLEL} and run it again"
            ) from error
        self.runner.enter(record)
        _LOG.info(
            "probe at d = %d, learning rate %g: metric %.4f after %d evaluations",
            record.probe.d, record.probe.learning_rate, record.metric, len(record.curve),
        )  # fmt: skip


def parallel() -> int:
    """How many probes of a cell may train at a time, from the environment; 1 unless it says.

    Raises:
        UserError: it says something else than a whole number above 0.
    """
    wanted = os.environ.get(PARALLEL, "1")
    if not wanted.isdecimal() or int(wanted) < 1:
        raise UserError(f"{PARALLEL} is {wanted!r}: say how many probes of a cell train at a time")
    return int(wanted)


@dataclass(frozen=True)
class _Begin:
    """What a helper does first: it opens the cell, to be computed on as many threads as alone."""

    begins: Callable[[int], None]
    opened: Callable[[], Cell]
    parts: tuple[Any, ...]
    threads: int
    parent: int

    def __call__(self) -> None:
        if os.getpid() != self.parent:
            self.begins(self.parent)
        _OWN[:] = [ProbeRunner(self.opened(), *self.parts)]
        torch.set_num_threads(self.threads)


def _train(probe: Probe) -> Record:
    return _OWN[0].train(probe)
