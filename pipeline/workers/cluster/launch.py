"""Starts attempts at stages on a cluster, and ends them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipeline.workers.cluster import node
from pipeline.workers.cluster.attempt import Attempt, Member
from pipeline.workers.cluster.connection import let_go, on_node, on_reserved, reserve
from pipeline.workers.cluster.home import Arrivals, Sender, Sent
from pipeline.workers.cluster.needs import Need
from pipeline.workers.cluster.order import Order
from pipeline.workers.cluster.orders import Orders
from pipeline.workers.cluster.sameness import made
from pipeline.workers.cluster.together import meet
from pipeline.workers.pool import Work

# Messages that a node may be ahead of the driver.
_AHEAD = 8
# Seconds to wait for what was sent to be told.
_TOLD = 5.0


class Launcher:
    """What a run has on the cluster beside its stages, and how these get there.

    Args:
        ray: connected to the cluster.
        root: the study's folder.
    """

    def __init__(self, ray: Any, root: Path) -> None:
        self._ray = ray
        self._root = root
        self.orders = Orders(root)
        here = on_node(ray.get_runtime_context().get_node_id())
        self._sender = ray.remote(Sender).options(
            num_cpus=0, max_restarts=-1, scheduling_strategy=here
        ).remote(root)  # fmt: skip
        self._carry_out = ray.remote(node.carry_out)
        self._meet = ray.remote(meet)

    def start(self, work: Work, need: Need, each: Mapping[str, float], number: int = 1) -> Attempt:
        """Give a stage's orders to Ray.

        Args:
            work: the stage.
            need: what its kind needs.
            each: the same by Ray's names, for each node.
            number: which attempt it is.

        Raises:
            UserError: it cannot be ordered.
        """
        orders = self.orders.make(work, need, number)
        group = reserve(each, len(orders)) if len(orders) > 1 else None
        places = [on_reserved(group, one.share.number) if group else "DEFAULT" for one in orders]
        meeting = (
            self._meet.options(num_cpus=0, scheduling_strategy=places[0]).remote()
            if group
            else None
        )
        members = [
            Member(self._submit(one, each, place, meeting))
            for one, place in zip(orders, places, strict=True)
        ]
        arrivals = Arrivals(self._root, work.stage, orders[0].outputs)
        return Attempt(work, need, each, members, arrivals, number, group)

    def _submit(self, order: Order, each: Mapping[str, float], place: Any, meeting: Any) -> Any:
        # Ray would start the very same order again; ours has what was sent home meanwhile.
        return self._carry_out.options(
            name=order.stage,
            num_cpus=each["CPU"],
            num_gpus=each["GPU"],
            memory=each["memory"] or None,
            max_retries=0,
            scheduling_strategy=place,
            _generator_backpressure_num_objects=_AHEAD,
        ).remote(order, made(), self._sender, meeting)

    def end(self, attempt: Attempt) -> None:
        """End what still runs of an attempt, and give back what was reserved for it."""
        for one in attempt.members:
            if not one.over:
                self._ray.cancel(one.messages, force=True)
        if attempt.group:
            let_go(attempt.group)

    def kill(self, one: Member) -> None:
        """End a worker that no longer answers, if its node still does."""
        assert one.began is not None
        there = on_node(one.began.node)
        killer = self._ray.remote(node.kill).options(num_cpus=0, scheduling_strategy=there)
        killer.remote(one.began.pid)

    def sent(self) -> Sent:
        """What was sent to the nodes so far."""
        from ray.exceptions import RayError

        with suppress(RayError):
            sent: Sent = self._ray.get(self._sender.sent.remote(), timeout=_TOLD)
            return sent
        return Sent(Counter(), 0)
