"""Time and memory of one SAID step's own work on a RoBERTa-Base-shaped model, on a CPU.

    python -m benchmarks.subspace_cpu [--threads 2] [--repeats 2] [--rounds 3] [--names said-1000 …]

Prints one JSON line a measurement, each made in a process of its own so that its peak memory is
its own: `materialize` + `pull_back` at d = 1,000, 100,000 and 4 M; the first two with the original
authors' algorithm (per tensor, full padded butterflies); and one forward and backward pass of the
model at 8 × 64 and 32 × 128 tokens. Peak memory is what the process held above the model with its
parameters alone. Rounds go through all measurements in turn, so that a machine whose speed changes
is as fast for one as for another; the last lines are ratios within a round, and their median.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reference import ReferenceFastfood
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.parameters import FlatParameters

if TYPE_CHECKING:
    from transformers import RobertaForSequenceClassification

MEASUREMENTS = (
    "said-1000",
    "said-100000",
    "said-4000000",
    "reference-1000",
    "reference-100000",
    "model-8x64",
    "model-32x128",
)
# The subspace engine's calls are so much shorter that more of them cost no time.
QUICK = 5
RATIOS = (
    ("reference-1000", "said-1000"),
    ("reference-100000", "said-100000"),
    ("model-8x64", "said-1000"),
    ("model-32x128", "said-1000"),
)


def build_model() -> RobertaForSequenceClassification:
    """RoBERTa-Base for classification, 124.6 M parameters with random weights."""
    from transformers import RobertaConfig, RobertaForSequenceClassification

    config = RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1)
    return RobertaForSequenceClassification(config)


def said(d: int) -> Callable[[], None]:
    """One `materialize` and one `pull_back`."""
    flat = FlatParameters(build_model())
    flat.grads.normal_()
    subspace = Subspace(flat, SubspaceConfig(), d, 0)
    subspace.vector[: d - subspace.layers] = 0.01

    def work() -> None:
        subspace.materialize()
        subspace.pull_back()

    return work


def reference(d: int) -> Callable[[], None]:
    """The original algorithm's forward and backward, with butterflies."""
    flat = FlatParameters(build_model())
    flat.grads.normal_()
    lengths = [span.stop - span.start for span in flat.spans]
    projection = ReferenceFastfood(d, lengths, 0, butterfly)
    theta = torch.full((d,), 0.01)
    out = torch.empty_like(theta)

    def work() -> None:
        projection.forward(theta, flat.values)
        projection.adjoint(flat.grads, out)

    return work


def butterfly(x: torch.Tensor) -> torch.Tensor:
    """The Walsh–Hadamard transform of (rows, n), one pass over memory for each factor of 2."""
    rows, n = x.shape
    half = 1
    while half < n:
        pairs = x.view(rows, n // (2 * half), 2, half)
        left, right = pairs[:, :, 0], pairs[:, :, 1]
        x = torch.stack((left + right, left - right), dim=2).view(rows, n)
        half *= 2
    return x


def model(rows: int, length: int) -> Callable[[], None]:
    """One forward and backward pass."""
    network = build_model().train()
    ids = torch.randint(5, 50_000, (rows, length))
    labels = torch.zeros(rows, dtype=torch.int64)

    def work() -> None:
        network.zero_grad(set_to_none=False)
        network(input_ids=ids, labels=labels).loss.backward()

    return work


def prepare(name: str) -> Callable[[], None]:
    """The work of a measurement, from its name."""
    kind, _, size = name.partition("-")
    makers = {"said": said, "reference": reference, "model": model}
    return makers[kind](*map(int, size.split("x")))


def measure(name: str, repeats: int) -> dict[str, object]:
    """Run one measurement in this process; the first call is reported by itself."""
    build_model()
    base = peak_bytes()
    work = prepare(name)
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return {
        "name": name,
        "threads": torch.get_num_threads(),
        "first_s": round(times[0], 3),
        "best_s": round(min(times[1:]), 3),
        "median_s": round(statistics.median(times[1:]), 3),
        "peak_above_model_GB": round((peak_bytes() - base) / 1e9, 2),
    }


def peak_bytes() -> int:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Measure one name in this process, or all of them in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--names", nargs="+", choices=MEASUREMENTS, default=MEASUREMENTS)
    parser.add_argument("--only", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        # What each measurement's own process is called with.
        torch.set_num_threads(arguments.threads)
        print(json.dumps(measure(arguments.only, arguments.repeats)), flush=True)
        return
    environment = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}
    rounds = []
    for _ in range(arguments.rounds):
        medians = {}
        for name in arguments.names:
            command = [sys.executable, "-m", "benchmarks.subspace_cpu", "--only", name]
            repeats = arguments.repeats * (QUICK if name.startswith("said") else 1)
            command += ["--threads", str(arguments.threads), "--repeats", str(repeats)]
            line = subprocess.run(
                command, check=True, env=environment, stdout=subprocess.PIPE
            ).stdout
            print(line.decode().strip(), flush=True)
            medians[name] = json.loads(line)["median_s"]
        rounds.append(medians)
    for slow, fast in RATIOS:
        if not {slow, fast} <= rounds[0].keys():
            continue
        ratios = [medians[slow] / medians[fast] for medians in rounds]
        shown = ", ".join(f"{ratio:.1f}" for ratio in ratios)
        print(f"{slow} / {fast}: {statistics.median(ratios):.1f} (by round: {shown})")


if __name__ == "__main__":
    main()
