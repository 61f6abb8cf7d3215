"""A stage's command in a process of its own that need not load the large libraries anew.

Python with torch and transformers takes seconds to start, as long as a small cell takes to
measure. A fork server loads them once; a ``python -m MODULE`` command is a fork of it, in which the
project's own modules are imported afresh. Any other command goes to a shell, as with DVC.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import runpy
import subprocess
import sys
import threading
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

_LOADED = [
    "numpy", "pandas", "pyarrow.parquet", "safetensors.torch", "scipy.stats", "torch",
    "transformers.models.roberta.modeling_roberta",
]  # fmt: skip
_MODULE = re.compile(r"python -m ([\w.]+)((?: [\w./=-]+)*)")


def context() -> ForkServerContext:
    """Where processes come from; the first one starts the server and waits for its libraries."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(_LOADED)
    return forks


def start(
    forks: ForkServerContext, command: str, folder: Path, variables: dict[str, str]
) -> ForkServerProcess:
    """Run ``command`` in ``folder`` with this environment; ``exitcode`` tells how it ended."""
    process = forks.Process(target=_run, args=(command, folder, variables))
    process.start()
    return process


def _run(command: str, folder: Path, variables: dict[str, str]) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    module = _MODULE.fullmatch(command)
    if module is None:
        sys.exit(subprocess.call(command, shell=True))
    sys.argv = [module[1], *module[2].split()]
    runpy.run_module(module[1], run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    """Without its driver a stage would write into a folder that the next run works in."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
