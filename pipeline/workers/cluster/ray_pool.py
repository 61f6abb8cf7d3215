"""Commands on a Ray cluster: Ray finds each a node with room, and tells when one is lost.

Kinds of stages that do not go to the cluster run beside the driver, as without one.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.errors import UserError
from pipeline.workers.cluster import node
from pipeline.workers.cluster.connection import connect, nodes, on_node
from pipeline.workers.cluster.home import Arrivals, Sender, Sent
from pipeline.workers.cluster.needs import GIB, Need, read_needs
from pipeline.workers.cluster.order import Began, Done, Gone, Part, Said
from pipeline.workers.cluster.orders import Orders, item_of
from pipeline.workers.cluster.sameness import made
from pipeline.workers.local import LocalPool
from pipeline.workers.pool import Ended, Work

log = logging.getLogger(__name__)

# How often a stage is started that is lost with its node.
_ATTEMPTS = 3
# Seconds without a sign of life after which a node counts as lost, and while it prepares a command:
# it loads libraries then, at worst from a slow disk.
SILENCE, PREPARING = 60.0, 900.0
# Seconds: for how long it is believed what nodes there are, and that a local command goes on.
_NODES_FOR, _LOCALLY = 5.0, 0.2
# Messages that a node may be ahead of the driver.
_AHEAD = 8


@dataclass
class _Running:
    """A stage on the cluster: its present attempt, and what has been heard of it."""

    work: Work
    need: dict[str, float]
    messages: Any
    arrivals: Arrivals
    attempt: int = 1
    began: Began | None = None
    runs: bool = False
    done: Done | None = None
    since: float = field(default_factory=time.monotonic)
    heard: float = field(default_factory=time.monotonic)


class RayPool:
    """A cluster, and this machine for what does not go there.

    Args:
        address: of the cluster; without one this machine is a cluster for as long as this lives.
        jobs: stages at a time beside the driver.
        root: the study's folder.

    Raises:
        UserError: Ray is not installed, no cluster answers, or cluster.yaml asks for nonsense.
    """

    def __init__(self, address: str | None, jobs: int, root: Path) -> None:
        self._root = root
        self._home = LocalPool(jobs)
        self._at_home: set[str] = set()
        self._needs = read_needs(root / paths.CLUSTER)
        self._orders = Orders(root)
        self._ray = connect(address, root)
        here = on_node(self._ray.get_runtime_context().get_node_id())
        self._sender = self._ray.remote(Sender).options(
            num_cpus=0, max_restarts=-1, scheduling_strategy=here
        ).remote(root)  # fmt: skip
        self._carry_out = self._ray.remote(node.carry_out)
        self._nodes: list[Mapping[str, float]] = []
        self._looked = -_NODES_FOR
        self._running: dict[str, _Running] = {}
        self._arrived: dict[str, Arrivals] = {}
        # Known in the end.
        self.sent = Sent(Counter(), 0)

    def has_room(self, stage: str) -> bool:
        """Whether the cluster has what the stage needs beside what runs, or this machine has.

        Raises:
            UserError: no node that is there could ever have it.
        """
        need = self._need(stage)
        if need is None:
            return self._home.has_room(stage)
        if time.monotonic() > self._looked + _NODES_FOR:
            self._nodes, self._looked = nodes(self._ray), time.monotonic()
        wanted = need.resources(self._any_gpus())
        if not any(all(_of(one, name) >= n for name, n in wanted.items()) for one in self._nodes):
            # A node may come back; and what runs elsewhere is not ended for this.
            if self._running:
                return False
            raise UserError(
                f"no node of the cluster has what {stage} needs ({_listed(wanted)}): start one "
                f"that has, or ask for less in {paths.CLUSTER}"
            )
        return all(self._left(name) >= n for name, n in wanted.items())

    def _left(self, name: str) -> float:
        used = sum(one.need[name] for one in self._running.values())
        return sum(_of(one, name) for one in self._nodes) - used

    def _any_gpus(self) -> bool:
        return any(_of(one, "GPU") for one in self._nodes)

    def _need(self, stage: str) -> Need | None:
        return self._needs.get(item_of(stage)[0])

    def submit(self, work: Work) -> None:
        """Hand a command to Ray, or start it here."""
        need = self._need(work.stage)
        if need is None:
            self._at_home.add(work.stage)
            self._home.submit(work)
            return
        if work.anew:
            self._orders.forget_progress(work)
        wanted = need.resources(self._any_gpus())
        self._running[work.stage] = self._start(work, wanted, attempt=1)

    def _start(self, work: Work, need: dict[str, float], attempt: int) -> _Running:
        order = self._orders.make(work, self._needs[item_of(work.stage)[0]], attempt)
        # Ray would start the very same order again; ours has what was sent home meanwhile.
        messages = self._carry_out.options(
            name=work.stage,
            num_cpus=need["CPU"],
            num_gpus=need["GPU"],
            memory=need["memory"] or None,
            max_retries=0,
            _generator_backpressure_num_objects=_AHEAD,
        ).remote(order, made(), self._sender)
        arrivals = Arrivals(self._root, work.stage, order.outputs)
        return _Running(work, need, messages, arrivals, attempt)

    def poll(self, within: float) -> list[Ended]:
        """What has ended, here or there; what nodes say meanwhile is printed.

        A stage that was lost with its node is started again.
        """
        until = time.monotonic() + within
        while True:
            wait = min(_LOCALLY, max(until - time.monotonic(), 0.0))
            ended = self._poll_home(0.0 if self._running else wait)
            ended += list(self._poll_cluster(0.0 if ended else wait))
            if ended or time.monotonic() >= until:
                return ended

    def _poll_home(self, within: float) -> list[Ended]:
        if not self._at_home:
            return []
        ended = self._home.poll(within)
        self._at_home -= {one.stage for one in ended}
        return ended

    def _poll_cluster(self, within: float) -> Iterator[Ended]:
        if not self._running:
            return
        streams = {one.messages: name for name, one in self._running.items()}
        ready, _ = self._ray.wait(list(streams), num_returns=len(streams), timeout=0)
        if not ready:
            ready, _ = self._ray.wait(list(streams), num_returns=1, timeout=within)
        for messages in ready:
            yield from self._hear(self._running[streams[messages]])
        for messages in {*streams} - {*ready}:
            one = self._running[streams[messages]]
            patience = SILENCE if one.runs else PREPARING
            if one.began and time.monotonic() > one.heard + patience:
                self._kill(one)
                yield from self._lost(one, f"it said nothing for {patience:g} s")

    def _hear(self, one: _Running) -> Iterator[Ended]:
        """Take in the next message of a stage."""
        from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

        one.heard = time.monotonic()
        try:
            message = self._ray.get(next(one.messages))
        except StopIteration:
            yield from self._end(one, one.done.failure if one.done else "ended without a word")
        except RayTaskError as error:
            yield from self._end(one, f"failed on its node: {error}")
        except OutOfMemoryError:
            kind = item_of(one.work.stage)[0]
            asked = f"ask for more memory for {kind} in {paths.CLUSTER}, or for fewer stages a node"
            yield from self._end(one, f"was ended by Ray, as its node ran out of memory: {asked}")
        except RayError as error:
            yield from self._lost(one, type(error).__name__)
        else:
            self._take(one, message)

    def _take(self, one: _Running, message: Began | Said | Part | Gone | Done) -> None:
        match message:
            case Began():
                one.began = message
            case Said(lines):
                one.runs = True
                for line in lines:
                    print(line, flush=True)
            case Part():
                one.arrivals.take(message)
            case Gone():
                one.arrivals.drop(message)
            case Done():
                one.done = message

    def _end(self, one: _Running, failure: str | None) -> Iterator[Ended]:
        name = one.work.stage
        del self._running[name]
        if not failure:
            self._arrived[name] = one.arrivals
        yield Ended(name, time.monotonic() - one.since, failure)

    def _lost(self, one: _Running, why: str) -> Iterator[Ended]:
        """Start a stage again whose node or worker is gone; it goes on from what was sent home."""
        where = one.began.host if one.began else "its node"
        if one.attempt == _ATTEMPTS:
            yield from self._end(
                one, f"was lost {_ATTEMPTS} times, the last time with {where} ({why})"
            )
            return
        log.info(
            "Stage '%s' was lost with %s (%s): attempt %d of %d",
            one.work.stage, where, why, one.attempt + 1, _ATTEMPTS,
        )  # fmt: skip
        again = self._start(one.work, one.need, one.attempt + 1)
        again.since = one.since
        self._running[one.work.stage] = again

    def _kill(self, one: _Running) -> None:
        """End a worker that no longer answers, if its node still does."""
        assert one.began is not None
        self._ray.cancel(one.messages, force=True)
        there = on_node(one.began.node)
        killer = self._ray.remote(node.kill).options(num_cpus=0, scheduling_strategy=there)
        killer.remote(one.began.pid)

    def fetch(self, stage: str) -> None:
        """Put what has arrived of a stage's outputs into their places."""
        if arrived := self._arrived.pop(stage, None):
            arrived.place()

    def close(self) -> None:
        """End all commands, here and there, and let go of the cluster."""
        try:
            self._home.close()
            for one in self._running.values():
                with suppress(Exception):
                    self._ray.cancel(one.messages, force=True)
            self._say_what_was_sent()
        finally:
            self._ray.shutdown()
            self._orders.sign.path.unlink(missing_ok=True)

    def _say_what_was_sent(self) -> None:
        from ray.exceptions import RayError

        with suppress(RayError):
            self.sent = self._ray.get(self._sender.sent.remote(), timeout=_NODES_FOR)
            if self.sent.times:
                log.info(self.sent.sentence())


def _of(node: Mapping[str, float], name: str) -> float:
    return node.get(name, 0.0)


def _listed(wanted: Mapping[str, float]) -> str:
    said = {"CPU": "{:g} CPUs", "GPU": "{:g} GPUs", "memory": "{:g} GiB of memory"}
    sizes = {**wanted, "memory": wanted["memory"] / GIB}
    return ", ".join(said[name].format(size) for name, size in sizes.items() if size)
