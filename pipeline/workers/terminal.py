"""A live view of a running study in a terminal: the board above the prompt, the log in a file.

Whatever the driver and its stages say goes through a pipe, so the view reads the very lines that a
log without a terminal has, and no program can write over it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pipeline.workers.board import Board, Expected, Running

if TYPE_CHECKING:
    from rich.console import RenderableType

# A line that nobody says: the last one of the pipe.
_LAST = "\x00"
_REFRESHES = 2.0  # a second


@dataclass
class View:
    """The board as a table of the terminal.

    Attributes:
        board: what it shows.
        expected: what is known of the stages before they run, once that is worked out.
        clock: seconds.
    """

    board: Board
    expected: Expected = field(default_factory=Expected)
    clock: Callable[[], float] = time.monotonic

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False)
        for title in ("stage", "time", "probes", "d", "metric / target"):
            table.add_column(title, justify="left" if title == "stage" else "right", no_wrap=True)
        table.add_column("", ratio=1, no_wrap=True, overflow="ellipsis")
        for name, one in list(self.board.running.items()):
            # Text is not read as markup: stages may be called anything.
            table.add_row(*map(Text, _row(name, one, self.clock())))
        return Group(table, Text(self.summary()))

    def summary(self) -> str:
        """The last line: how many stages are done, and how long the others will take."""
        board = self.board
        left = board.seconds_left(self.expected, self.clock())
        told = "" if left is None else f", about {_duration(left)} left"
        return f"{board.done} of {board.total} stages done{told}"


def _row(name: str, one: Running, now: float) -> tuple[str, ...]:
    reached = "" if one.metric is None else f"{one.metric:.4f} / {one.target:.4f}"
    return (
        name,
        _duration(now - one.since),
        str(one.probes or ""),
        "" if one.d is None else f"{one.d:,}",
        reached,
        one.lines[-1].strip() if one.lines else "",
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


@contextmanager
def live(jobs: int, expected: Callable[[], Expected], log: Path) -> Iterator[None]:
    """Show a board while the block runs; all that is said meanwhile goes to ``log``.

    Args:
        jobs: stages at a time.
        expected: works out what is known of the stages before they run, while they run.
        log: a file, written anew.
    """
    from rich.console import Console
    from rich.live import Live

    log.parent.mkdir(parents=True, exist_ok=True)
    view = View(Board(jobs))
    with (
        os.fdopen(os.dup(1), "w") as terminal,
        open(log, "w", encoding="utf-8") as kept,
        Live(
            view, console=Console(file=terminal), transient=True, refresh_per_second=_REFRESHES,
            redirect_stdout=False, redirect_stderr=False,
        ) as shown,
        _lines_to(lambda line: _hear(view, line, kept, shown.console.print)),
    ):  # fmt: skip
        threading.Thread(target=_work_out, args=(view, expected), daemon=True).start()
        yield


def _work_out(view: View, expected: Callable[[], Expected]) -> None:
    view.expected = expected()


def _hear(view: View, line: str, kept: TextIO, show: Callable[..., None]) -> None:
    print(line, file=kept, flush=True)
    for text in view.board.hear(line, view.clock()):
        show(text, markup=False, highlight=False)


@contextmanager
def _lines_to(hear: Callable[[str], None]) -> Iterator[None]:
    """Whatever this process and those that it starts write, line by line, while the block runs."""
    reading, writing = os.pipe()
    reader = threading.Thread(target=_read, args=(reading, hear), daemon=True)
    before = os.dup(1), os.dup(2)
    for descriptor in (1, 2):
        os.dup2(writing, descriptor)
    reader.start()
    try:
        yield
    finally:
        for descriptor, own in zip((1, 2), before, strict=True):
            os.dup2(own, descriptor)
            os.close(own)
        # Helpers of multiprocessing hold the pipe open, so that its end is not its last line.
        os.write(writing, f"\n{_LAST}\n".encode())
        os.close(writing)
        reader.join()


def _read(descriptor: int, hear: Callable[[str], None]) -> None:
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as stream:
        for line in stream:
            text = line.rstrip("\n")
            if text == _LAST:
                return
            if text:
                hear(text)
