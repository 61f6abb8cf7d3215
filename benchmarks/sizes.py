"""How large a decoder may be for a subspace fine-tune: peak memory, and what `estimate` says of it.

    python -m benchmarks.sizes [--gib 20] [--sizes 0.3 1 1.6 2.4] [--d 1000]
        [--compared 0.1]

Decoders like LLaMA with random weights, saved in bfloat16 as published ones are, opened and trained
for two updates on random rows by the code that a cell is measured with: weights, θ₀, gradient,
evaluation and all. First the ways to train one size, with long rows, then one way over sizes (in G
of parameters) up to the largest that fits `--gib`, or what the machine has free. Each training is a
process of its own. Prints Markdown, a row as soon as it is there.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import groupby
from pathlib import Path

import numpy as np
import psutil

from benchmarks.decoders import decoder_config, decoder_parameters, decoder_size
from benchmarks.gpu_session.measuring import Row
from benchmarks.gpu_session.session import rows_of
from benchmarks.memory import peak_bytes
from pipeline.estimate.memory import TrainingMemory
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.tasks.data import Split, TaskData
from pipeline.training.cost import EncoderSize
from pipeline.training.optimizers import AdamW
from pipeline.training.precision import Precision

_GIB = 2**30
_MODEL = "model"
_INPUTS = {"checkpoint": "random weights", "task": "random rows"}
_MOST = 7200  # seconds of a training
_UPDATES = 2
# So much of the machine stays free: others may need it meanwhile.
_SPARED = 2.0
# Rows and their tokens: where activations are compared, and where weights are.
_LONG, _SHORT = (4, 512), (2, 128)
_COLUMNS = (
    "parameters", "training", "precision", "recompute", "batch", "estimate GiB", "peak GiB",
    "of the estimate", "CPU seconds",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A training of one size.

    Attributes:
        billions: about how many parameters.
        d: how many numbers are trained; None for all parameters.
        precision: as ``finetune.precision``, and ``recompute`` likewise.
        rows: of a batch, ``length`` their tokens.
    """

    billions: float
    d: int | None
    precision: Precision
    recompute: bool
    rows: int
    length: int

    def size(self) -> EncoderSize:
        """The decoder's sizes."""
        return decoder_size(1e9 * self.billions)

    def config(self) -> FinetuneConfig:
        """The recipe: an epoch of two updates, after which everything is evaluated."""
        return FinetuneConfig(
            epochs=1, batch=self.rows, learning_rates=(1e-5,), dropout=None, train_eval_rows=1,
            precision=self.precision, recompute=self.recompute,
        )  # fmt: skip

    def expected(self) -> float:
        """GiB that the estimate says."""
        config, size = self.config(), self.size()
        precision = config.precision_for(subspace=self.d is not None)
        memory = TrainingMemory(
            size, decoder_parameters(size), precision, self.recompute, self.rows * self.length
        )
        if self.d is None:
            return memory.full(config.optimizer).total / _GIB
        return memory.subspace(self.d, AdamW(weight_decay=0.0), on_cpu=True).total / _GIB

    def said(self) -> Row:
        """What the table says of it before it is measured."""
        return {
            "parameters": f"{decoder_parameters(self.size()) / 1e9:.2f} G",
            "training": "full" if self.d is None else f"d = {self.d:,}",
            "precision": self.precision,
            "recompute": str(self.recompute).lower(),
            "batch": f"{self.rows} × {self.length}",
            "estimate GiB": self.expected(),
        }


def build(case: Case, folder: Path) -> Row:
    """Save the case's decoder in bfloat16, without a head."""
    import torch
    from transformers import LlamaModel

    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    LlamaModel(decoder_config(case.size())).save_pretrained(folder / _MODEL)
    return {}


def train(case: Case, folder: Path) -> Row:
    """Train as a cell is trained, evaluation included."""
    from pipeline.dimension.record import Probe
    from pipeline.finetuning.cell import Cell
    from pipeline.finetuning.full_run import FullRunner
    from pipeline.models.opening import open_for_task
    from pipeline.probes.probe import ProbeRunner, ProbeTraining
    from pipeline.subspace.config import SubspaceConfig
    from pipeline.training.parameters import FlatParameters

    config, data = case.config(), _data(case)
    network = open_for_task(
        folder / _MODEL, outputs=2, problem=data.kind.problem, dropout=None, seed=0,
        precision=config.precision_for(subspace=case.d is not None), recompute=case.recompute,
    )  # fmt: skip
    flat = FlatParameters(network)
    assert flat.size == decoder_parameters(case.size())
    cell = Cell("decoder", "rows", 0, 0, data, network, flat, flat.values.clone(), _INPUTS)
    start = time.process_time()
    if case.d is None:
        FullRunner(cell, config, folder).run(1e-5)
    else:
        runner = ProbeRunner(cell, SubspaceConfig(), config, ProbeTraining(), folder)
        runner.run(Probe(case.d, 0, 1e-3))
    return {"peak GiB": peak_bytes() / _GIB, "CPU seconds": time.process_time() - start}


# What a process of its own is asked for.
PROCESSES = {"build": build, "train": train}


def _data(case: Case) -> TaskData:
    """Random rows, all of one length: two updates' to train on, an evaluation's batch of four."""
    from pipeline.tasks.kinds import make_kind

    kind, generator = make_kind("classification", ("a", "b")), np.random.default_rng(0)

    def split(rows: int) -> Split:
        ids = generator.integers(5, case.size().vocabulary, (rows, case.length), dtype=np.int32)
        return Split(list(ids), np.arange(rows) % 2, 1, kind)

    return TaskData({}, kind, split(_UPDATES * case.rows), split(4 * case.rows))


def cases(sizes: Sequence[float], compared: float, d: int) -> Iterator[Case]:
    """The ways to train one size, then one way over the sizes."""
    ways: tuple[tuple[int | None, Precision, bool], ...] = (
        (None, "fp32", False), (None, "bf16", True), (d, "fp32", False), (d, "bf16", False),
        (d, "bf16_weights", False), (d, "bf16_weights", True),
    )  # fmt: skip
    yield from (Case(compared, *way, *_LONG) for way in ways)
    yield from (Case(size, d, "bf16_weights", True, *_SHORT) for size in sizes)


def measured(case: Case, gib: float, folder: Path) -> Row:
    """The row of a case: measured in a process of its own, or why not."""
    said, free = case.said(), psutil.virtual_memory().available / _GIB - _SPARED
    if case.expected() > min(gib, free):
        return {**said, "peak GiB": f"left out: {min(gib, free):.1f} GiB are to be had"}
    for what in ("train",) if (folder / _MODEL).exists() else ("build", "train"):
        command = [sys.executable, "-m", "benchmarks.sizes", "--one", what]
        command += [json.dumps(asdict(case)), str(folder)]
        (row,) = rows_of(command, _MOST, folder / "log.txt")
        if "case" in row:  # it failed
            return {**said, "peak GiB": row["case"]}
    return {**said, **row, "of the estimate": float(row["peak GiB"]) / case.expected()}


def line(row: Row) -> str:
    """The row as Markdown."""
    shown = {key: f"{item:.2f}" if isinstance(item, float) else item for key, item in row.items()}
    return _markdown([shown.get(name, "") for name in _COLUMNS])


def _markdown(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure all cases, or be the process of one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gib", type=float, default=20.0)
    parser.add_argument("--sizes", type=float, nargs="*", default=[0.3, 1.0, 1.6, 2.4])
    parser.add_argument("--compared", type=float, default=0.1)
    parser.add_argument("--d", type=int, default=1000)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one:
        what, case, folder = chosen.one
        print(json.dumps(PROCESSES[what](Case(**json.loads(case)), Path(folder))), flush=True)
        return
    free = psutil.virtual_memory().available / _GIB
    print(f"{free:.1f} GiB free, {os.cpu_count()} cores, torch {version('torch')}\n")
    print("\n".join([_markdown(_COLUMNS), "|" + "---|" * len(_COLUMNS)]), flush=True)
    planned = cases(chosen.sizes, chosen.compared, chosen.d)
    for _, own in groupby(planned, lambda case: case.billions):
        with tempfile.TemporaryDirectory() as folder:
            for case in own:
                print(line(measured(case, chosen.gib, Path(folder))), flush=True)


if __name__ == "__main__":
    main()
