"""Run one of fairseq's commands: ``python launcher.py train DATA --task masked_lm …``.

It runs in fairseq's own environment and imports nothing of this project. fairseq 0.12.2 is left as
it is installed; two things have changed around it. Since Python 3.11 a dataclass refuses a default
that cannot be hashed, and fairseq's configurations have such defaults: a class whose equality took
its hash away gets the one of `object` back, which is what 3.10 let pass. And since torch 2.6
checkpoints are read with ``weights_only``, under which the `argparse.Namespace` in them must be
allowed by name.

Both happen at the top level, because the workers that fairseq spawns import this file, not `main`.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import os
import sys
import threading
from typing import Any

_COMMANDS = ("preprocess", "train", "validate")
_dataclass = dataclasses.dataclass


def _with_hash(cls: type | None = None, /, **options: Any) -> Any:
    """`dataclasses.dataclass`, whose classes can be hashed by identity if by nothing else."""
    if cls is None:
        return lambda later: _with_hash(later, **options)
    made: Any = _dataclass(cls, **options)
    if made.__hash__ is None:
        made.__hash__ = object.__hash__
    return made


dataclasses.dataclass = _with_hash


def _allow_namespace() -> None:
    import torch

    torch.serialization.add_safe_globals([argparse.Namespace])


_allow_namespace()


def _end_with_parent() -> None:
    """Wait for the end of the standard input, which is that of the process holding it; then end.

    `sys.stdin` is not used: a worker forked while it is read would wait for its lock forever.
    """
    while os.read(0, 1):
        pass
    os._exit(1)


def main() -> None:
    """Call the command's own entry point on the remaining arguments.

    With ``--attached`` before the command, it ends as soon as its standard input does.
    """
    if sys.argv[1:2] == ["--attached"]:
        sys.argv.pop(1)
        threading.Thread(target=_end_with_parent, daemon=True).start()
    if len(sys.argv) < 2 or sys.argv[1] not in _COMMANDS:
        sys.exit(f"usage: launcher.py [--attached] {{{','.join(_COMMANDS)}}} ARGUMENTS")
    command = sys.argv.pop(1)
    importlib.import_module(f"fairseq_cli.{command}").cli_main()
    # fairseq leaves a thread that reads batches ahead. Python stops it at the end wherever it is,
    # which aborts the process where that is inside of torch: so there is no such end.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    # The folder of this file holds modules of ours, which nothing of fairseq's may find.
    sys.path.pop(0)
    main()
