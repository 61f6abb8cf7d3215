"""A Ray cluster of two nodes on this machine, for benchmarks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

_SIZE = {"num_cpus": 1, "object_store_memory": 200 << 20}
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}


class Two:
    """The cluster; what belongs to it has a mark in its environment.

    Args:
        folder: for what nodes keep.
        shared: whether the node beside the driver works in the study's folder.
    """

    def __init__(self, folder: Path, shared: bool) -> None:
        from ray.cluster_utils import Cluster

        os.environ |= _QUIET
        self._own = folder / "node"
        head = {**_SIZE, "include_dashboard": False}
        if not shared:
            head["env_vars"] = {"PIPELINE_NODE_FOLDER": str(folder / "head")}
        self._cluster = Cluster(initialize_head=True, head_node_args=head)
        self.address = self._cluster.address
        self._node: Any = None
        self.renew()

    def renew(self) -> None:
        """Lose the node that has a folder of its own, if there is one, and start another."""
        if self._node is not None:
            self._cluster.remove_node(self._node, allow_graceful=False)
        own = {"PIPELINE_NODE_FOLDER": str(self._own)}
        self._node = self._cluster.add_node(**_SIZE, env_vars=own)

    def workers(self) -> list[int]:
        """Ray's processes that see to a stage now."""
        found = psutil.Process().children(recursive=True)
        return [one.pid for one in found if _name(one).startswith("ray::search@")]

    def close(self) -> None:
        """End it."""
        self._cluster.shutdown()


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def two_nodes(shared: bool = True) -> Iterator[tuple[Two, Path]]:
    """Such a cluster, and a folder for studies; both are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        two = Two(Path(folder), shared)
        try:
            yield two, Path(folder)
        finally:
            two.close()
