"""Orders for nodes: what a stage's command needs, wherever it will run."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from pipeline import paths
from pipeline.workers import process
from pipeline.workers.cluster.needs import Need
from pipeline.workers.cluster.order import Order, Share, Sign
from pipeline.workers.cluster.pieces import files_of
from pipeline.workers.cluster.together import processes
from pipeline.workers.pool import Work

_CODE = ("pipeline", "stages")
# What of the driver's environment a command gets on every node.
_HANDED_ON = ("DVC_", "PIPELINE_", "OMP_NUM_THREADS")


class Orders:
    """Makes the orders of one run.

    Args:
        root: the study's folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.sign = _write_sign(root)

    def make(self, work: Work, need: Need, attempt: int) -> list[Order]:
        """The orders for a stage's command, one for each node that it needs.

        Raises:
            UserError: ``PIPELINE_PROCESSES`` is no number.
        """
        kind, _, key = item_of(work.stage)
        inputs = [path for path in self._inside(work.reads) if path.parts[0] not in _CODE]
        also = [paths.PARAMS, paths.GRAPH, paths.scratch_of_item(kind, key)]
        variables = {
            name: value for name, value in work.variables.items() if name.startswith(_HANDED_ON)
        }
        for name, value in need.variables(kind).items():
            variables.setdefault(name, value)
        order = Order(
            stage=work.stage,
            attempt=attempt,
            command=work.command,
            root=self._root,
            folder=work.folder.relative_to(self._root),
            variables=variables,
            sign=self.sign,
            libraries=tuple(process.LIBRARIES),
            code=_CODE,
            inputs=tuple(map(str, [*inputs, *also])),
            outputs=tuple(map(str, [*self._inside(work.writes), paths.timing(kind, key)])),
        )
        if need.nodes == 1:
            return [order]
        each = processes(variables)
        shares = [Share(number, need.nodes, each) for number in range(need.nodes)]
        return [replace(order, share=share) for share in shares]

    def forget_progress(self, work: Work) -> None:
        """Remove the work in progress of a stage that is to begin anew."""
        kind, _, key = item_of(work.stage)
        for file in files_of(self._root / paths.scratch_of_item(kind, key)):
            file.unlink()

    def _inside(self, places: Iterable[Path]) -> list[Path]:
        """Those below the study's folder, from there."""
        return [path.relative_to(self._root) for path in places if path.is_relative_to(self._root)]


def item_of(stage: str) -> tuple[str, str, str]:
    """A stage's kind, the ``@`` if it makes one of several items, and the item's key."""
    return stage.rpartition(":")[2].partition("@")


def _write_sign(root: Path) -> Sign:
    sign = Sign(
        root / paths.scratch("signs") / f"{os.getpid()}-{time.time_ns()}", os.urandom(8).hex()
    )
    sign.path.parent.mkdir(parents=True, exist_ok=True)
    sign.path.write_text(sign.text, encoding="utf-8")
    return sign
