"""Where commands run: all that a driver asks of this machine, or of a cluster.

Whoever runs commands knows nothing of DVC, and the driver nothing of where they run: another way
to run them is another class with these five methods.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class Work:
    """A stage's command, ready to run.

    Attributes:
        stage: DVC's name of the stage.
        command: for a shell.
        folder: where it runs.
        variables: its environment.
        reads: files and folders that it depends on.
        writes: files and folders that it makes.
        anew: nothing of an earlier run may be gone on from.
    """

    stage: str
    command: str
    folder: Path
    variables: Mapping[str, str]
    reads: tuple[Path, ...] = ()
    writes: tuple[Path, ...] = ()
    anew: bool = False


class Ended(NamedTuple):
    """A command that has ended: after how many ``seconds``, and if it failed, a clause on how."""

    stage: str
    seconds: float
    failure: str | None = None


class Pool(Protocol):
    """Commands that run side by side."""

    def has_room(self, stage: str) -> bool:
        """Whether a stage's command could start now."""

    def submit(self, work: Work) -> None:
        """Start a command, for which there is room.

        Raises:
            UserError: it cannot be started.
        """

    def poll(self, within: float) -> list[Ended]:
        """The commands that have ended, each told once; waits for one up to ``within`` seconds."""

    def fetch(self, stage: str) -> None:
        """Put what a command made, which has ended well, where its stage has it.

        Raises:
            UserError: it cannot be written here.
        """

    def close(self) -> None:
        """End all that still runs."""
