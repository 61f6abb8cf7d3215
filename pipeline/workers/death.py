"""How a stage's command ended, where it could not say so itself."""

from __future__ import annotations

import re
import signal
from pathlib import Path

# multiprocessing's status of a process whose server has gone without telling how it ended.
_LOST = 255
# What makes a stage need less memory, by the stage's name.
_LOWER = {
    "baseline": "finetune.batch",
    "corpus": "corpus.shard_tokens",
    "pretrain": "pretrain.recipe.micro_batch",
    "search": "finetune.batch",
    "task": "data.train_rows",
    "tokenizer": "tokenizer.documents",
}
_GIB = 1 << 20  # KiB


class Peak:
    """The most memory that a process was seen to hold; Linux tells, elsewhere it stays 0.

    Args:
        pid: the process.
    """

    def __init__(self, pid: int | None) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._kib = 0

    def look(self) -> None:
        """Ask the system; what has ended is not there to be asked."""
        try:
            told = re.search(r"VmHWM:\s+(\d+) kB", self._status.read_text())
        except OSError:
            return
        self._kib = max(self._kib, int(told[1]) if told else 0)

    def __str__(self) -> str:
        return f"{self._kib / _GIB:.2f} GiB" if self._kib else ""


def ending(stage: str, status: int, held: str, jobs: int) -> str:
    """A clause on how a command ended: "failed", or by which signal, and what may help.

    Args:
        stage: DVC's name of the stage.
        status: of its process: its own, or a signal's number with a minus.
        held: the most memory that it had, as `Peak` says it.
        jobs: how many stages ran at a time.
    """
    if status == _LOST:
        return "was lost with the process that it was forked from"
    if status > 0:
        return "failed"
    name = signal.Signals(-status).name
    if -status != signal.SIGKILL:
        return f"was ended by signal {-status} ({name})"
    most = f" (it held up to {held})" if held else ""
    return (
        f"was killed by signal {-status} ({name}), as the system does when memory runs out{most}: "
        f"if you did not do it, lower {_to_lower(stage, jobs)}, or end what else runs here"
    )


def _to_lower(stage: str, jobs: int) -> str:
    own = _LOWER.get(stage.rpartition(":")[2].partition("@")[0])
    fewer = f"--jobs (it is {jobs})" if jobs > 1 else None
    return " or ".join(filter(None, (fewer, own))) or "what it works on"
