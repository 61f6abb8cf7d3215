"""An attempt at a stage on a cluster: its members, one a node, and what has been heard of them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.workers.cluster.home import Arrivals
from pipeline.workers.cluster.needs import Need
from pipeline.workers.cluster.order import Began, Done
from pipeline.workers.pool import Work

# Seconds without a sign of life after which a node counts as lost, and while it prepares a command:
# it loads libraries then, at worst from a slow disk.
SILENCE, PREPARING = 60.0, 900.0


class Outcome(NamedTuple):
    """An attempt is over; with ``failure`` a clause on how it failed."""

    failure: str | None


@dataclass
class Member:
    """One node's part in an attempt.

    Attributes:
        messages: what it says, as Ray hands it over.
        began: who it is, once it has the order.
        runs: whether its command was heard to run: it said or wrote something.
        done: its last message.
        over: whether nothing more will come.
        heard: when something came last.
    """

    messages: Any
    began: Began | None = None
    runs: bool = False
    done: Done | None = None
    over: bool = False
    heard: float = field(default_factory=time.monotonic)

    @property
    def failure(self) -> str | None:
        """How it failed, if it did."""
        if not self.over:
            return None
        return self.done.failure if self.done else "ended without a word"

    def silent(self, now: float) -> float | None:
        """For how many seconds at least nothing came that should have; None where all is well."""
        patience = SILENCE if self.runs else PREPARING
        late = self.began and not self.over and now > self.heard + patience
        return patience if late else None


@dataclass
class Attempt:
    """A stage on the cluster.

    Attributes:
        work: the stage.
        need: what its kind needs.
        each: the same by Ray's names, of each node.
        members: the first one's files are the stage's.
        arrivals: of that one.
        number: which attempt of this stage, from 1.
        group: Ray's name for what is reserved on several nodes together.
        since: when the first attempt began.
    """

    work: Work
    need: Need
    each: Mapping[str, float]
    members: list[Member]
    arrivals: Arrivals
    number: int = 1
    group: Any = None
    since: float = field(default_factory=time.monotonic)

    def outcome(self, now: float) -> Outcome | None:
        """How it ended, once that is known.

        Where one node is lost the command fails on the others, which may be heard of first. So a
        failure counts when every node has told its end, or when none was found lost for as long as
        that takes at most; at once, where the command had not begun to run.
        """
        over = all(one.over for one in self.members)
        failed = [one for one in self.members if one.failure]
        if not failed:
            return Outcome(None) if over else None
        first = min(failed, key=lambda one: one.heard)
        if over or not first.runs or now > first.heard + SILENCE:
            return Outcome(first.failure)
        return None
