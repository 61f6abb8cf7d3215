"""``cluster.yaml``: what a stage of each kind needs of a node. It decides no result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.checked import NotNegative, Positive, Size
from pipeline.common.config import nearest, parse
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError

GIB = 1 << 30
# What computes for long and reads nothing but what stages made: the user's own files, and the way
# to the hub, are where the driver runs.
TRAVEL = ("pretrain", "baseline", "search", "bound", "its", "representation", "transfer")
# All other kinds that there are.
STAY = (
    "settings", "file", "tokenizer", "corpus", "init", "model", "task", "collect", "report",
)  # fmt: skip
# What spreads its trainings, and what trains on all of its GPUs and nodes together.
_SPREAD, _TOGETHER = "search", "pretrain"
# How many processes train together on a node.
PROCESSES = "PIPELINE_PROCESSES"


@dataclass(frozen=True)
class Need:
    """What a stage is given of a node while it runs, of each one if it has several.

    Attributes:
        cpus: cores, and on a CPU also the threads of a wide model.
        parallel: of a search, how many probes train at a time, each with so many cores.
        gpus: GPUs, of which several stages may share one (0.5); by default one if there are any.
        memory: GiB; 0 asks for none in particular.
        nodes: of pretraining, on how many nodes a segment trains.
    """

    cpus: Positive = 1.0
    parallel: Size = 1
    gpus: NotNegative | None = None
    memory: NotNegative = 0.0
    nodes: Size = 1

    def resources(self, any_gpus: bool) -> dict[str, float]:
        """By Ray's names: CPU and GPU, and memory in bytes."""
        gpus = float(any_gpus) if self.gpus is None else self.gpus
        return {"CPU": self.cpus * self.parallel, "GPU": gpus, "memory": self.memory * GIB}

    def variables(self, kind: str) -> dict[str, str]:
        """What a stage of this kind is told of it in its environment."""
        # Else the number of threads would be that of whatever cores a node has.
        found = {"OMP_NUM_THREADS": str(max(1, int(self.cpus)))}
        if self.parallel > 1:
            found["PIPELINE_PARALLEL"] = str(self.parallel)
        if kind == _TOGETHER and (self.gpus or 0) >= 2:
            found[PROCESSES] = str(int(self.gpus or 0))
        return found


def read_needs(path: Path) -> Mapping[str, Need]:
    """What each kind of stage that goes to the cluster needs; all others run beside the driver.

    Args:
        path: the file, which need not exist; a kind in it that does not compute goes too.

    Raises:
        UserError: a key or value in it that cannot be.
    """
    given = read_yaml(path) if path.exists() else {}
    for kind in given:
        if kind not in (kinds := [*TRAVEL, *STAY]):
            raise UserError(f"{path}: no stage is a {kind}: {nearest(kind, kinds)}")
    named = {kind: parse(Need, value, f"{path}: {kind}") for kind, value in given.items()}
    for kind, need in named.items():
        if need.parallel > 1 and kind != _SPREAD:
            raise UserError(
                f"{path}: {kind}: parallel is {need.parallel}, but only {_SPREAD} spreads its "
                "trainings: leave it out"
            )
        if need.nodes > 1 and kind != _TOGETHER:
            raise UserError(
                f"{path}: {kind}: nodes is {need.nodes}, but only {_TOGETHER} trains on several: "
                "leave it out"
            )
    return {**dict.fromkeys(TRAVEL, Need()), **named}
