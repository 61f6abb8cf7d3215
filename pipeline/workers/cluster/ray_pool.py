"""Commands on a Ray cluster: Ray finds each a node with room, and tells when one is lost.

Kinds of stages that do not go to the cluster run beside the driver, as without one.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from pipeline import paths
from pipeline.errors import UserError
from pipeline.workers.cluster.attempt import Attempt, Member
from pipeline.workers.cluster.connection import connect, nodes
from pipeline.workers.cluster.home import Arrivals, Sent
from pipeline.workers.cluster.launch import Launcher
from pipeline.workers.cluster.needs import GIB, Need, read_needs
from pipeline.workers.cluster.order import Began, Done, Gone, Message, Part, Said
from pipeline.workers.cluster.orders import item_of
from pipeline.workers.local import LocalPool
from pipeline.workers.pool import Ended, Work

log = logging.getLogger(__name__)

# How often a stage is started that is lost with its node.
_ATTEMPTS = 3
# Seconds: for how long it is believed what nodes there are, and that a local command goes on.
_NODES_FOR, _LOCALLY = 5.0, 0.2


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
        self._ray = connect(address, root)
        self._launcher = Launcher(self._ray, root)
        self._nodes: list[Mapping[str, float]] = []
        self._looked = -_NODES_FOR
        self._running: dict[str, Attempt] = {}
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
        each = need.resources(self._any_gpus())
        able = sum(all(_of(one, name) >= n for name, n in each.items()) for one in self._nodes)
        if able < need.nodes:
            # A node may come back; and what runs elsewhere is not ended for this.
            if self._running:
                return False
            few = f"fewer than {need.nodes} nodes of the cluster have"
            raise UserError(
                f"{few if need.nodes > 1 else 'no node of the cluster has'} what {stage} needs "
                f"({_listed(each)}): start one that has, or ask for less in {paths.CLUSTER}"
            )
        return all(self._left(name) >= n * need.nodes for name, n in each.items())

    def _left(self, name: str) -> float:
        used = sum(one.each[name] * len(one.members) for one in self._running.values())
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
            self._launcher.orders.forget_progress(work)
        each = need.resources(self._any_gpus())
        self._running[work.stage] = self._launcher.start(work, need, each)

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
        streams = {
            member.messages: (one, member)
            for one in self._running.values()
            for member in one.members
            if not member.over
        }
        if not streams:
            return
        ready, _ = self._ray.wait(list(streams), num_returns=len(streams), timeout=0)
        if not ready:
            ready, _ = self._ray.wait(list(streams), num_returns=1, timeout=within)
        for messages in ready:
            one, member = streams[messages]
            if self._goes_on(one):
                yield from self._hear(one, member)
        for one, member in streams.values():
            if self._goes_on(one) and (patience := member.silent(time.monotonic())):
                self._launcher.kill(member)
                yield from self._lost(one, member, f"it said nothing for {patience:g} s")
        for one in list(self._running.values()):
            yield from self._settle(one)

    def _goes_on(self, one: Attempt) -> bool:
        """Whether an attempt is its stage's present one: another node's words may have ended it."""
        return self._running.get(one.work.stage) is one

    def _hear(self, one: Attempt, member: Member) -> Iterator[Ended]:
        """Take in the next message of a node."""
        from ray.exceptions import OutOfMemoryError, RayError, RayTaskError

        # Whatever ends its messages, an error too, ends its part.
        member.heard, member.over = time.monotonic(), True
        try:
            message = self._ray.get(next(member.messages))
        except StopIteration:
            pass
        except RayTaskError as error:
            yield from self._end(one, f"failed on its node: {error}")
        except OutOfMemoryError:
            kind = item_of(one.work.stage)[0]
            asked = f"ask for more memory for {kind} in {paths.CLUSTER}, or for fewer stages a node"
            yield from self._end(one, f"was ended by Ray, as its node ran out of memory: {asked}")
        except RayError as error:
            yield from self._lost(one, member, type(error).__name__)
        else:
            member.over = False
            self._take(one, member, message)

    def _take(self, one: Attempt, member: Member, message: Message) -> None:
        # What a command has written may come before its first words.
        member.runs |= isinstance(message, Said | Part | Gone)
        match message:
            case Began():
                member.began = message
            case Said(lines):
                for line in lines:
                    print(line, flush=True)
            case Part():
                one.arrivals.take(message)
            case Gone():
                one.arrivals.drop(message)
            case Done():
                member.done = message

    def _settle(self, one: Attempt) -> Iterator[Ended]:
        if outcome := one.outcome(time.monotonic()):
            yield from self._end(one, outcome.failure)

    def _end(self, one: Attempt, failure: str | None) -> Iterator[Ended]:
        name = one.work.stage
        del self._running[name]
        self._launcher.end(one)
        if not failure:
            self._arrived[name] = one.arrivals
        yield Ended(name, time.monotonic() - one.since, failure)

    def _lost(self, one: Attempt, member: Member, why: str) -> Iterator[Ended]:
        """Start a stage again of which a node or worker is gone; it goes on from what came home."""
        where = member.began.host if member.began else "its node"
        if one.number == _ATTEMPTS:
            yield from self._end(
                one, f"was lost {_ATTEMPTS} times, the last time with {where} ({why})"
            )
            return
        log.info(
            "Stage '%s' was lost with %s (%s): attempt %d of %d",
            one.work.stage, where, why, one.number + 1, _ATTEMPTS,
        )  # fmt: skip
        self._launcher.end(one)
        again = self._launcher.start(one.work, one.need, one.each, one.number + 1)
        again.since = one.since
        self._running[one.work.stage] = again

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
                    self._launcher.end(one)
            self.sent = self._launcher.sent()
            if self.sent.times:
                log.info(self.sent.sentence())
        finally:
            self._ray.shutdown()
            self._launcher.orders.sign.path.unlink(missing_ok=True)


def _of(node: Mapping[str, float], name: str) -> float:
    return node.get(name, 0.0)


def _listed(wanted: Mapping[str, float]) -> str:
    said = {"CPU": "{:g} CPUs", "GPU": "{:g} GPUs", "memory": "{:g} GiB of memory"}
    sizes = {**wanted, "memory": wanted["memory"] / GIB}
    return ", ".join(said[name].format(size) for name, size in sizes.items() if size)
