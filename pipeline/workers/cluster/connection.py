"""The way to a Ray cluster: the only module that says how it is reached."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import UserError

# Seconds for a cluster's head to answer.
_PATIENCE = 15.0
_CALLED = "RAY_ADDRESS"
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def connect(address: str | None, root: Path) -> Any:
    """Ray, connected to the cluster; without an address, there or in ``RAY_ADDRESS``, a local one.

    Ray brings the driver's ``pipeline`` to every node, so that no node needs a checkout.

    Raises:
        UserError: Ray is not installed, or no cluster answers there.
    """
    # Ray would tell its makers of each cluster that it starts.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Nor are stages less than what else runs on this machine, as Ray's workers are by default.
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        import ray
    except ImportError:
        raise UserError("--on ray needs Ray: pip install ray, on every node the same") from None
    where = address or os.environ.get(_CALLED) or "local"
    try:
        _see_answer(where)
        with _own_signals():
            ray.init(
                where, log_to_driver=False, logging_level=logging.ERROR,
                # What has its page only with ray[default].
                include_dashboard=False if where == "local" else None,
                runtime_env={"py_modules": [str(root / "pipeline")]},
            )  # fmt: skip
    except (RuntimeError, ValueError, OSError) as error:
        first = str(error).strip().splitlines()[0]
        raise UserError(
            f"no Ray cluster can be used at {where} ({first}): start one with ray start --head and "
            "name what that prints, or leave --address out for this machine alone"
        ) from error
    return ray


def _see_answer(where: str) -> None:
    """Try the way: Ray would try for minutes."""
    host, _, port = where.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host, int(port)), _PATIENCE).close()


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep what signals do: Ray would have a request to end be no KeyboardInterrupt any more."""
    before = {one: signal.getsignal(one) for one in _SIGNALS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def nodes(ray: Any) -> list[Mapping[str, float]]:
    """What each node that is there has in all, by Ray's names."""
    return [one["Resources"] for one in ray.nodes() if one["Alive"]]


def on_node(node: str) -> Any:
    """A demand that Ray places something on that node alone."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(node_id=node, soft=False)


def reserve(resources: Mapping[str, float], nodes: int) -> Any:
    """A demand for so much on each of several nodes: Ray grants all of it together."""
    from ray.util import placement_group

    each = {name: size for name, size in resources.items() if size}
    return placement_group([each] * nodes, strategy="STRICT_SPREAD")


def on_reserved(group: Any, number: int) -> Any:
    """A demand that Ray places something on one of the nodes that were reserved, from 0."""
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    return PlacementGroupSchedulingStrategy(group, placement_group_bundle_index=number)


def let_go(group: Any) -> None:
    """Give back what was reserved; what still runs there ends."""
    from ray.util import remove_placement_group

    remove_placement_group(group)
