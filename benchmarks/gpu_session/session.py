"""Parts one after the other within a time, each in a process of its own, each row kept at once.

A process of its own, because a kernel that fails leaves CUDA unusable to the rest of its process,
and because what takes too long can be ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.gpu_session.measuring import Row
from benchmarks.gpu_session.table import markdown

# Less is not worth starting a process for.
_LEAST = 20.0


@dataclass(frozen=True)
class Part:
    """A part of a session: its name, its heading, and the most seconds that it may take."""

    name: str
    title: str
    most: float


@dataclass
class Session:
    """Runs parts until the time is over.

    Attributes:
        out: the folder for ``rows.jsonl`` and ``table.md``, both whole after every row.
        minutes: for all parts together.
        start: begins a part that has so many seconds, and yields its rows.
        clock: seconds, from any beginning.
    """

    out: Path
    minutes: float
    start: Callable[[Part, float], Iterator[Row]]
    clock: Callable[[], float] = time.monotonic
    rows: list[Row] = field(default_factory=list)

    def run(self, parts: Sequence[Part]) -> None:
        """Measure the parts in their order, the most important first."""
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "rows.jsonl").write_text("")
        end = self.clock() + 60 * self.minutes
        for part in parts:
            left = end - self.clock()
            if left < _LEAST:
                self._keep(part, {"case": f"left out: {max(left, 0):.0f} s were left"})
                continue
            begun = self.clock()
            try:
                for row in self.start(part, min(left, part.most)):
                    self._keep(part, row)
            except Exception as error:
                self._keep(part, {"case": f"FAILED: {type(error).__name__}: {error}"})
            self._keep(part, {"case": "all of this part", "took s": self.clock() - begun})

    def _keep(self, part: Part, row: Row) -> None:
        self.rows.append({"part": part.title, **row})
        with (self.out / "rows.jsonl").open("a") as stream:
            stream.write(json.dumps(self.rows[-1], ensure_ascii=False) + "\n")
        (self.out / "table.md").write_text(markdown(self.rows))


def rows_of(command: Sequence[str], seconds: float, log: Path) -> Iterator[Row]:
    """The rows that a command prints, a line of JSON each, and a row that says how else it ended.

    After ``seconds`` it is ended with all that it started. What it says beside goes to ``log``.
    """
    with log.open("w") as errors:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True
        )
    over = threading.Event()

    def end() -> None:
        over.set()
        _kill(process)

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):
                yield json.loads(line)
        status = process.wait()
    finally:
        timer.cancel()
        _kill(process)
    if over.is_set():
        yield {"case": f"ENDED after {seconds:.0f} s, its time"}
    elif status:
        said = log.read_text().strip().splitlines() or [f"status {status}"]
        yield {"case": f"FAILED: {said[-1]}"}


def _kill(process: subprocess.Popen[str]) -> None:
    """End a process's whole session; compilers that it started outlive it otherwise."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
