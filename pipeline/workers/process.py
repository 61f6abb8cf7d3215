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
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from pipeline.errors import UserError
from pipeline.running import startup
from pipeline.running.parents import end_with_parent

_FIRST = "pipeline.workers.preload"
_OWN = ("pipeline", "stages")
# What a stage takes seconds to load.
LIBRARIES = [
    "numpy", "pandas", "pyarrow.parquet", "safetensors.torch", "scipy.stats", "torch",
    "transformers.models.roberta.modeling_roberta",
]  # fmt: skip
# A command that is a module of Python's, and what it is called with.
MODULE = re.compile(r"python -m ([\w.]+)((?: [\w./=-]+)*)")
# Descriptors from here on are multiprocessing's own, which a shell must not hand on.
_FIRST_OWN = 3


def context(libraries: Sequence[str] | None = None) -> ForkServerContext:
    """Where processes come from; the first one starts the server and waits for its libraries.

    Args:
        libraries: what is loaded there, if not what the project's stages share.
    """
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload([_FIRST, *(LIBRARIES if libraries is None else libraries)])
    return forks


def start(
    forks: ForkServerContext,
    command: str,
    folder: Path,
    variables: Mapping[str, str],
    code: Path | None = None,
    said: Path | None = None,
) -> ForkServerProcess:
    """Run ``command`` in ``folder`` with this environment; ``exitcode`` tells how it ended.

    Args:
        forks: where it comes from.
        command: ``python -m MODULE``, or anything for a shell.
        folder: where it runs.
        variables: its environment.
        code: a folder with the project's packages, if not those that this process has.
        said: the file for what it says, if that is not to go where this process's words go.

    Raises:
        UserError: the fork server has been ended.
    """
    process = forks.Process(target=_run, args=(command, folder, dict(variables), code, said))
    try:
        _serve()
        process.start()
    except (EOFError, ConnectionError) as error:
        raise UserError(
            "the process that stages are forked from was ended, perhaps because memory ran out "
            "while it loaded its libraries: run it again"
        ) from error
    return process


def _serve() -> None:
    """Start the fork server, if there is none.

    A Ctrl-C that comes while its interpreter starts waits there until the first module that is
    loaded has it end the server without a word.
    """
    resource_tracker.ensure_running()  # which, where it starts, would end the waiting
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _run(
    command: str, folder: Path, variables: dict[str, str], code: Path | None, said: Path | None
) -> None:
    # What the fork server knew of itself when it was started.
    startup.PARENT = os.getppid()
    end_with_parent(startup.PARENT)
    if said:
        _speak_into(said)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(variables)
    module = MODULE.fullmatch(command)
    if module is None:
        os.closerange(_FIRST_OWN, os.sysconf("SC_OPEN_MAX"))
        os.execv("/bin/sh", ["sh", "-c", command])
    # Not sooner: a shell keeps no thread of the process that it takes over from, and one that waits
    # for the driver's end would take the closing of its descriptor, just above, for that.
    threading.Thread(target=_end_with_driver, daemon=True).start()
    sys.argv = [module[1], *module[2].split()]
    if code:
        _take_code_from(code)
        _set_threads()
    try:
        runpy.run_module(module[1], run_name="__main__", alter_sys=True)
    except Exception as error:
        # What a stage does not tell itself: its own modules may not even load.
        sys.exit(startup.told(error))


def _speak_into(said: Path) -> None:
    with open(said, "ab", buffering=0) as stream:
        for descriptor in (1, 2):
            os.dup2(stream.fileno(), descriptor)


def _take_code_from(code: Path) -> None:
    """Have the project's packages imported from there, of which some are loaded already."""
    for name in list(sys.modules):
        if name.partition(".")[0] in _OWN:
            del sys.modules[name]
    sys.path.insert(0, str(code))


def _set_threads() -> None:
    """Have torch heed this command's environment: it took the threads from that of its server."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    if "torch" in sys.modules and wanted.isdecimal():
        sys.modules["torch"].set_num_threads(int(wanted))


def _end_with_driver() -> None:
    """End with the driver, where the fork server outlives it."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.kill(os.getpid(), signal.SIGKILL)
