"""Pretraining on a CPU, side by side: this project, fairseq-train, transformers.Trainer.

    python -m benchmarks.pretraining_cpu [--sizes 2x128,4x256,4x256-16k] [--repeats 3]
                                       [--threads 1] [--levers]

One model, corpus, batch, recipe and number of threads. A repeat is a seed: every side trains from
its own random weights in a process of its own, one after the other, before the next repeat begins.
A side prints its mean loss every few updates; the time between two such lines, from the second to
the last, gives its steady speed, so that starting up, the first batches and compiling are left out.
On a machine that does other work too, the CPU time between them is the fairer measure.
Prints Markdown: medians over the repeats, their ratios, and the loss at the end of each run.
`--levers` compares ways to compute the native side's update instead.

The corpus is drawn, not text: tokens follow Zipf's law, and every second one its predecessor.
Tokens are counted with padding, of which all sides have the same. What the others do otherwise:
fairseq sees the blocks in an order of its own; Trainer spares biases and LayerNorms the weight
decay, chooses masked positions one by one, and computes the head on every position.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch

from benchmarks.pretraining_sides import LEVERS, SIZES, Work, fairseq, native, trainer
from pipeline.backends.fairseq.environment import interpreter

SIDES = ("native", "fairseq", "trainer")


@dataclass(frozen=True)
class Curve:
    """A run: at every line seconds on the clock, seconds of CPUs at work, mean loss (nats)."""

    updates: tuple[int, ...]
    seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    losses: tuple[float, ...]

    def speed(self, work: Work) -> tuple[float, float]:
        """Tokens a second of the clock and of CPUs, from the second line to the last."""
        tokens = (self.updates[-1] - self.updates[1]) * work.rows * work.length
        clock, cpu = (seen[-1] - seen[1] for seen in (self.seconds, self.cpu_seconds))
        return tokens / clock, tokens / cpu


def measure(side: str, size: str, seed: int, threads: int) -> Curve:
    """Run a side in a process of its own and time the lines it prints."""
    work = SIZES[size]
    variables = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
    if side == "fairseq":  # whose interpreter must not see this one's packages
        variables = {key: value for key, value in variables.items() if key != "PYTHONPATH"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.pretraining_cpu", "--only", side]
        command += ["--sizes", size, "--seed", str(seed)]
        if side == "fairseq":
            command = fairseq(work, seed, Path(folder))
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=variables
        ) as process:
            text: list[str] = []
            rows = list(_rows(process, text))
        if process.returncode or len(rows) < 3:
            sys.exit(f"{side} failed:\n{''.join(text[-30:])}")
    return Curve(*zip(*rows, strict=True))  # type: ignore[arg-type]


def _rows(
    process: subprocess.Popen[str], text: list[str]
) -> Iterator[tuple[int, float, float, float]]:
    """(updates, seconds, CPU seconds, nats) of the log; all lines printed go to ``text``."""
    assert process.stdout is not None
    for line in process.stdout:
        text.append(line)
        _, mark, content = line.partition("| train_inner | ")
        if mark:  # fairseq's losses are in bits
            row = json.loads(content)
            updates, loss = int(row["num_updates"]), float(row["loss"]) * math.log(2)
        elif line.startswith('{"updates"'):
            row = json.loads(line)
            updates, loss = row["updates"], row["loss"]
        else:
            continue
        yield updates, time.perf_counter(), _cpu_seconds(process.pid), loss


def _cpu_seconds(pid: int) -> float:
    """CPU time of a process and its workers."""
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def table(size: str, sides: Sequence[str], runs: dict[str, list[Curve]]) -> list[str]:
    """Markdown rows: a side each, beside the first."""
    first, *_ = sides
    speeds = {side: _medians([run.speed(SIZES[size]) for run in runs[side]]) for side in sides}
    lines = [
        f"| {size} | tokens/s | {first} is faster by | tokens/CPU s | by | last losses |",
        "|---|---|---|---|---|---|",
    ]
    for side in sides:
        cells = [side]
        for ours, theirs in zip(speeds[first], speeds[side], strict=True):
            cells += [f"{theirs:,.0f}", f"{ours / theirs:.2f}"]
        cells.append(", ".join(f"{run.losses[-1]:.3f}" for run in runs[side]))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _medians(speeds: list[tuple[float, float]]) -> tuple[float, float]:
    clock, cpu = zip(*speeds, strict=True)
    return statistics.median(clock), statistics.median(cpu)


def curves(sides: Sequence[str], runs: dict[str, list[Curve]]) -> list[str]:
    """Markdown rows: the loss at each line of the log, mean and range over the seeds."""
    updates = runs[sides[0]][0].updates
    lines = ["| loss at update | " + " | ".join(map(str, updates)) + " |"]
    lines.append("|---" * (len(updates) + 1) + "|")
    for side in sides:
        cells = []
        for place in range(len(updates)):
            seen = [run.losses[place] for run in runs[side]]
            cells.append(f"{statistics.mean(seen):.2f} ({min(seen):.2f}–{max(seen):.2f})")
        lines.append(f"| {side} | " + " | ".join(cells) + " |")
    return lines


def main() -> None:
    """Measure all sides alternately, or be one of them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", default="2x128,4x256,4x256-16k", help="of " + ", ".join(SIZES))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--levers", action="store_true")
    parser.add_argument("--sides", help="of " + ", ".join(SIDES))
    parser.add_argument("--only", help=argparse.SUPPRESS)
    parser.add_argument("--seed", type=int, default=0, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only == "trainer":
        return trainer(SIZES[chosen.sizes], chosen.seed)
    if chosen.only:
        return native(SIZES[chosen.sizes], chosen.seed, chosen.only)
    sides = LEVERS if chosen.levers else SIDES
    sides = tuple(chosen.sides.split(",")) if chosen.sides else sides
    if "fairseq" in sides:
        interpreter()
    print(f"{os.cpu_count()} cores, {chosen.threads} threads, torch {torch.__version__}\n")
    for size in chosen.sizes.split(","):
        runs: dict[str, list[Curve]] = {side: [] for side in sides}
        for seed in range(chosen.repeats):
            for side in sides:
                run = measure(side, size, seed, chosen.threads)
                runs[side].append(run)
                clock, cpu = run.speed(SIZES[size])
                print(
                    f"{size}, seed {seed}, {side}: {clock:,.0f} tokens/s, {cpu:,.0f} a CPU second",
                    file=sys.stderr,
                )
        print("\n".join([*table(size, sides, runs), "", *curves(sides, runs), ""]), flush=True)


if __name__ == "__main__":
    main()
