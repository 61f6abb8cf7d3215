"""Imported before anything else of a command: ``python -m stages.search``, ``python -m pipeline``.

A command loads libraries for seconds before it can say or do anything of its own.
"""

from __future__ import annotations

import os
import signal
import sys
from types import TracebackType
from typing import cast

from pipeline.running.sentences import sentence

# Who started this process; once that one has ended the system names another.
PARENT = os.getppid()


def begin() -> None:
    """Where a command is starting, Ctrl-C ends it at once, and a full machine is one sentence.

    Ctrl-C is left to the system: no library can swallow it, and none is interrupted with a
    traceback. What a stage has half written then is cleared as after a kill.
    """
    if starting():
        quietly()


def starting() -> bool:
    """Whether Python is about to run a module of ours: it names that only once it has found it."""
    return sys.argv[:1] == ["-m"]


def quietly() -> None:
    """End at once by Ctrl-C, unless somebody asked for it to be ignored, and by a sentence."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.excepthook = _say


def interruptible() -> None:
    """From now on Ctrl-C, or a request to end, is a KeyboardInterrupt, for those who tidy up."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def told(error: Exception) -> int:
    """Tell the user of an error in a sentence, and return the status to exit with.

    An error that only a developer can make sense of is raised again.
    """
    said = sentence(error)
    if said is None:
        raise error
    print(f"error: {said}", file=sys.stderr)
    return 2


def _say(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    try:
        told(cast("Exception", error))
    except BaseException:
        sys.__excepthook__(kind, error, trace)
