"""What goes beyond d₉₀, measured: the memory of directions, and the arms of a study.

    python -m benchmarks.beyond memory [--snapshots 32] [--size 7087872]
    python -m benchmarks.beyond arms STUDY

``memory`` takes the directions of random snapshots of one layer of RoBERTa-Base, and says how much
memory that needs, as a multiple of the snapshots', how long it takes, and how far the directions
are from those of a direct SVD on a part of the columns. ``arms`` prints Markdown from a study with
``taskspaces``: a row a cell, the mean of each arm's seeds, and by how much the task's own
directions are better than random ones and outliers worse to lose than others, seed by seed.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from tempfile import TemporaryDirectory

import psutil
import torch

from pipeline.study.measured import task_spaces
from pipeline.study.reading import load_params
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.directions import principal_directions
from pipeline.taskspaces.result import Arm, TaskSpaceResult
from pipeline.taskspaces.snapshots import learn_layer, name_of, read_snapshots, snapshot_path
from pipeline.training.parameters import Span

ARMS: tuple[Arm, ...] = (
    "full", "basis", "random", "one_direction", "mean_only", "frozen", "outliers_zeroed",
    "matched_zeroed",
)  # fmt: skip
# Columns on which a direct SVD is affordable.
_COMPARED = 200_000


class Watch:
    """The largest resident memory while the block runs, above that at its start, in bytes."""

    def __enter__(self) -> Watch:
        self._process, self._over = psutil.Process(), threading.Event()
        self._start = self.most = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.most -= self._start

    def _look(self) -> None:
        while not self._over.wait(0.02):
            self.most = max(self.most, self._process.memory_info().rss)


def random_snapshots(folder: Path, spans: Sequence[Span], count: int) -> torch.Tensor:
    """Write snapshots that drift from random weights as fine-tuning drifts; return θ₀ (D,)."""
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(0)
    size = spans[-1].stop
    origin = 0.04 * torch.randn(size, generator=generator)
    weights = origin.clone()
    for epoch in range(1, count + 1):
        weights += 0.001 / epoch * torch.randn(size, generator=generator)
        save_file({name_of(spans): weights}, snapshot_path(folder, epoch))
    return origin


def memory(count: int, size: int) -> str:
    """The line that ``memory`` prints."""
    spans = [Span("layer.0.weight", 0, size)]
    with TemporaryDirectory() as folder:
        origin = random_snapshots(Path(folder), spans, count)
        start = time.monotonic()
        with Watch() as watch:
            config = TaskSpaceConfig(count, count)
            learn_layer(spans, origin, read_snapshots(Path(folder), spans, count), config)
        seconds = time.monotonic() - start
        rows = read_snapshots(Path(folder), spans, count)[:, :_COMPARED].clone()
    right = torch.linalg.svd(rows.double(), full_matrices=False)[2]
    found = principal_directions(rows)[0].double()
    apart = found - (found @ right.T) @ right
    return (
        f"{count} snapshots of {size:,} numbers ({4 * count * size / 1e6:.0f} MB): "
        f"{watch.most / (4 * count * size):.2f} times that in memory, {seconds:.1f} s; sine of the "
        f"largest angle to a direct SVD {float(torch.linalg.matrix_norm(apart, 2)):.1e}"
    )


def arms(results: Path) -> list[str]:
    """The lines that ``arms`` prints, for the study in the working directory."""
    found = [
        TaskSpaceResult.read_of(
            results / "its" / one.model.name / one.task, one.model.name, one.task
        )
        for one in task_spaces(load_params()).values()
    ]
    names = [*ARMS, "own − random", "matched − outliers"]
    lines = [f"| model | task | {' | '.join(names)} |", "|---" * (len(names) + 2) + "|"]
    for result in found:
        means = [_mean(result.metrics(arm)) for arm in ARMS]
        gaps = [
            _gap(result.metrics(one), result.metrics(other))
            for one, other in (("basis", "random"), ("matched_zeroed", "outliers_zeroed"))
        ]
        lines.append(f"| {result.model} | {result.task} | {' | '.join([*means, *gaps])} |")
    return lines


def _mean(values: Sequence[float]) -> str:
    return f"{fmean(values):.3f}" if values else "–"


def _gap(one: Sequence[float], other: Sequence[float]) -> str:
    """The mean difference seed by seed, and its standard error; a dash where a seed is missing."""
    if len(one) != len(other) or len(one) < 2:
        return "–"
    gaps = [a - b for a, b in zip(one, other, strict=True)]
    return f"{fmean(gaps):+.3f} ± {stdev(gaps) / len(gaps) ** 0.5:.3f}"


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description="What goes beyond d90, measured.")
    commands = parser.add_subparsers(dest="command", required=True)
    of_memory = commands.add_parser("memory")
    of_memory.add_argument("--snapshots", type=int, default=32)
    of_memory.add_argument("--size", type=int, default=7_087_872)
    of_arms = commands.add_parser("arms")
    of_arms.add_argument("study", type=Path)
    asked = parser.parse_args()
    if asked.command == "memory":
        print(memory(asked.snapshots, asked.size))
        return
    os.chdir(asked.study)
    print("\n".join(arms(Path("results"))))


if __name__ == "__main__":
    main()
