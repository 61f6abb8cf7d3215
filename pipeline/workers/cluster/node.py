"""A node's side: carries out an order, and tells the driver while it does.

What a Ray worker is given to do. It ends its command when it ends itself, however that comes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing import connection
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.running.sentences import sentence
from pipeline.workers import process
from pipeline.workers.cluster.apart import Store, Workplace
from pipeline.workers.cluster.needs import GIB
from pipeline.workers.cluster.order import Began, Done, Message, Order, Said
from pipeline.workers.cluster.pieces import Piece
from pipeline.workers.cluster.sameness import Made, host, made
from pipeline.workers.cluster.together import Meeting, torchrun
from pipeline.workers.death import Peak, ending

# Where a node keeps what it is sent; one that has it set uses it, whatever else it sees.
FOLDER = "PIPELINE_NODE_FOLDER"
# How many GiB of it are kept at most, beside what runs, and without being told.
_MOST, _DEFAULT_MOST = "PIPELINE_NODE_GIB", "100"
# Seconds between two signs of life.
TICK = 1.0


def carry_out(
    order: Order, driver: Made, sender: Any, meeting: Meeting | None
) -> Iterator[Message]:
    """Run an order's command where this process is; yield what the driver is to know.

    Args:
        order: what to run.
        driver: what the driver computes with; a node that has anything else is refused.
        sender: the actor that reads files of the study's folder (`home.Sender`).
        meeting: where the processes meet, if several nodes run the command.
    """
    import ray

    shared = FOLDER not in os.environ and order.sign.seen()
    began = Began(host(), ray.get_runtime_context().get_node_id(), os.getpid())
    yield began
    if other := driver.difference(made()):
        yield Done(
            f"is refused on {host()}, which has {other}: install requirements/lock.txt there"
        )
        return
    try:
        if meeting:
            order = replace(order, command=torchrun(order.command, order.share, meeting))
        if shared:
            yield from _run(order, order.root, order.root)
        else:
            store = Store(_own_folder(), _Asked(sender, began.node), _most())
            place = Workplace(store, order)
            for _ in place.prepare():
                yield began
            yield from _run_apart(order, place)
    except (UserError, OSError) as error:
        yield Done(f"failed on {host()}: {sentence(error) or error}")


class _Asked:
    """The driver's files, asked for by one node (`apart.Source`)."""

    def __init__(self, sender: Any, node: str) -> None:
        self._sender = sender
        self._node = node

    def pieces(self, places: tuple[str, ...]) -> tuple[Piece, ...]:
        import ray

        found: tuple[Piece, ...] = ray.get(self._sender.pieces.remote(places))
        return found

    def read(self, wanted: list[tuple[Piece, int, int]]) -> list[bytes]:
        import ray

        found: list[bytes] = ray.get(self._sender.read.remote(self._node, wanted))
        return found


def _own_folder() -> Path:
    """Where this node keeps what it is sent: code as well, so it must be nobody else's folder."""
    named = os.environ.get(FOLDER)
    found = Path(named) if named else Path(tempfile.gettempdir(), f"d90-{os.getuid()}")
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    if found.stat().st_uid != os.getuid():
        raise UserError(f"{found} is somebody else's: set {FOLDER} to a folder of your own")
    return found


def _most() -> int:
    """Bytes that this node keeps."""
    said = os.environ.get(_MOST, _DEFAULT_MOST)
    if not said.isdecimal():
        raise UserError(f"{_MOST} is {said!r}: say how many GiB of files a node keeps")
    return int(said) * GIB


def _run_apart(order: Order, place: Workplace) -> Iterator[Message]:
    """The same where the files are the node's own: what is made and in progress is sent home."""
    first = order.share.number == 0
    for message in _run(order, place.root, place.code):
        if first and isinstance(message, Said):
            yield from place.progress()
        elif first and isinstance(message, Done) and message.failure is None:
            yield from place.outputs()
        yield message
    place.clear()


def _run(order: Order, root: Path, code: Path) -> Iterator[Message]:
    """Run the command; a sign of life every second, and in the end how it went."""
    # Each fork would load the module anew that this process began with, which is Ray's.
    sys.modules["__main__"].__file__ = None
    forks = process.context(list(order.libraries))
    with tempfile.NamedTemporaryFile(prefix="d90-said-") as said:
        started = process.start(
            forks, order.command, root / order.folder, _variables(order, root, code), code,
            Path(said.name),
        )  # fmt: skip
        # Libraries are loaded, and from here on silence counts.
        yield Said([])
        peak, ended = Peak(started.pid), False
        while not ended:
            ended = bool(connection.wait([started.sentinel], TICK))
            peak.look()
            yield Said([line.decode(errors="replace").rstrip() for line in said.readlines()])
    started.join()
    status = started.exitcode
    yield Done(ending(order.stage, status, str(peak), jobs=1) if status else None)


def _variables(order: Order, root: Path, code: Path) -> dict[str, str]:
    """The environment: the node's own, what DVC and the user say, and the GPUs that Ray gave."""
    import ray

    found = {**os.environ, **order.variables}
    found["DVC_ROOT"] = str(root)
    # A shell's python is the one that Ray runs with here.
    found["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    found["PYTHONPATH"] = str(code)
    found["PIPELINE_SLOT"] = "0"
    found["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, ray.get_gpu_ids()))
    return found


def kill(pid: int) -> None:
    """End a process of this node that no longer answers."""
    with suppress(ProcessLookupError):
        os.kill(pid, 9)
