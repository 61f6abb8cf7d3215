"""One command on several nodes: torchrun on each, and all of them meet at the first."""

from __future__ import annotations

import shlex
import socket
from collections.abc import Mapping
from typing import NamedTuple

from pipeline.errors import UserError
from pipeline.workers.cluster.needs import PROCESSES
from pipeline.workers.cluster.order import Share
from pipeline.workers.process import MODULE

# Seconds that torchrun waits for other nodes, which may have a whole corpus to fetch. The driver
# sees to it that none waits for one that is lost.
_PATIENCE = 7 * 24 * 3600


class Meeting(NamedTuple):
    """Where processes of several nodes find each other: an address and a port of the first."""

    host: str
    port: int


def meet() -> Meeting:
    """A place to meet on this node, at the address by which Ray's other nodes know it."""
    import ray

    with socket.socket() as free:
        free.bind(("", 0))
        return Meeting(ray.util.get_node_ip_address(), free.getsockname()[1])


def processes(variables: Mapping[str, str]) -> int:
    """How many processes train together on each node, from what a command has in its environment.

    Raises:
        UserError: ``PIPELINE_PROCESSES`` says something else than a whole number above 0.
    """
    wanted = variables.get(PROCESSES, "1")
    if not wanted.isdecimal() or int(wanted) < 1:
        raise UserError(f"{PROCESSES} is {wanted!r}: say how many processes train on each node")
    return int(wanted)


def torchrun(command: str, share: Share, meeting: Meeting) -> str:
    """What a node runs for its share of a command.

    The first node's processes have the first ranks, whichever node comes first.

    Raises:
        UserError: the command is no ``python -m MODULE``, which is what torchrun starts.
    """
    if MODULE.fullmatch(command) is None:
        raise UserError(f"only python -m MODULE can run on several nodes, not {command!r}")
    options = [
        f"--nnodes={share.nodes}",
        f"--node-rank={share.number}",
        f"--nproc-per-node={share.processes}",
        f"--master-addr={meeting.host}",
        f"--master-port={meeting.port}",
        f"--rdzv-conf=timeout={_PATIENCE}",
    ]
    return command.replace("-m ", f"-m torch.distributed.run {shlex.join(options)} -m ", 1)
