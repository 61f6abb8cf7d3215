"""What the GPU benchmarks share: their arguments, and that they need a GPU unless told not to."""

from __future__ import annotations

import argparse
import sys

import torch


def arguments(description: str, repeats: int) -> argparse.Namespace | None:
    """``repeats`` and ``smoke`` from the command line; None, once said so, where a GPU lacks."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--smoke", action="store_true")
    chosen = parser.parse_args()
    if torch.cuda.is_available() or chosen.smoke:
        return chosen
    print("error: torch sees no CUDA device; --smoke tries the code without", file=sys.stderr)
    return None


def print_machine(device: torch.device) -> None:
    """The heading of the tables: the GPU and torch."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU, smoke test"
    print(f"{name}, torch {torch.__version__}\n")
