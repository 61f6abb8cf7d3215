"""Measure every figure that needs a GPU, within a time.

    python -m benchmarks.gpu_session --minutes 25 [--out gpu_session] [--parts kernels …] [--tiny]

The most important parts come first; a row is in OUT/rows.jsonl and in OUT/table.md as soon as it is
there, and what fails stops nothing else. It needs torch, transformers and Triton: no DVC, no data.
Where commands are cut off sooner, measure some parts at a time, each into a folder of its own.
``--tiny`` tries all of it on any machine with a tiny model, whose figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks.gpu_session import cell, kernels, pretraining, sizes, subspace
from benchmarks.gpu_session.measuring import Emit, Row
from benchmarks.gpu_session.session import Part, Session, rows_of
from benchmarks.gpu_session.work import BASE, TINY, Work
from pipeline.training.device import prepare


def measure_machine(work: Work, device: torch.device, emit: Emit) -> None:
    """What the figures were measured on."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else "a CPU: a rehearsal"
    packages = {name: version(name) for name in ("torch", "transformers", "triton")}
    emit({"case": name, **packages, "Python": platform.python_version()})


MEASURES = {
    "machine": measure_machine,
    "kernels": kernels.measure,
    "projection": subspace.measure_projection,
    "steps": subspace.measure_steps,
    "pretraining": pretraining.measure,
    "overhead": pretraining.measure_overhead,
    "sizes": sizes.measure,
    "cell": cell.measure,
}
PARTS = (
    Part("machine", "Machine", 60),
    Part("kernels", "Kernels against the reference on the CPU", 240),
    Part("projection", "A projection's two passes", 120),
    Part("steps", "A training step in bf16", 120),
    Part("pretraining", "Pretraining", 480),
    Part("overhead", "Fine-tuning's overhead", 120),
    Part("sizes", "Decoders of 1.3 and 2.8 G parameters", 180),
    Part("cell", "A cell of SST-2's size", 900),
)


def measure(name: str, tiny: bool, emit: Emit) -> None:
    """Measure one part in this process, with the sizes and the device that are asked for."""
    work = TINY if tiny else BASE
    if not torch.cuda.is_available():
        # A rehearsal would spend minutes in a C++ compiler.
        os.environ["TORCH_COMPILE_DISABLE"] = "1"
    MEASURES[name](work, prepare(work.model.width), emit)


def main() -> int:
    """Run the session, or one part of it for the session that started this process."""
    chosen = _arguments()
    if chosen.part is not None:
        measure(chosen.part, chosen.tiny, _print)
        return 0
    if not torch.cuda.is_available() and not chosen.tiny:
        print("error: torch sees no CUDA device; --tiny tries the code without", file=sys.stderr)
        return 2
    if (chosen.out / "rows.jsonl").exists():
        print(f"error: {chosen.out} has a session: remove it, or say --out", file=sys.stderr)
        return 2
    session = Session(chosen.out, chosen.minutes, partial(_start, chosen.out, chosen.tiny))
    session.run([part for part in PARTS if part.name in chosen.parts])
    print((chosen.out / "table.md").read_text())
    return 0


def _arguments() -> argparse.Namespace:
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu_session", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--out", type=Path, default=Path("gpu_session"))
    parser.add_argument("--parts", nargs="+", choices=names, default=names)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--part", choices=names, help=argparse.SUPPRESS)
    return parser.parse_args()


def _start(out: Path, tiny: bool, part: Part, seconds: float) -> Iterator[Row]:
    command = [sys.executable, "-m", "benchmarks.gpu_session", "--part", part.name]
    return rows_of(command + ["--tiny"] * tiny, seconds, out / f"{part.name}.log")


def _print(row: Row) -> None:
    print(json.dumps(row), flush=True)


if __name__ == "__main__":
    sys.exit(main())
