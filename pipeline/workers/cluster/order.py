"""What a driver and a node say to each other. Both have these classes from the driver's code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True)
class Sign:
    """A file that the driver has just written: who finds it in its place shares the folder."""

    path: Path
    text: str

    def seen(self) -> bool:
        """Whether this machine sees it."""
        try:
            return self.path.read_text(encoding="utf-8") == self.text
        except OSError:
            return False


@dataclass(frozen=True)
class Share:
    """A node's share of a command that processes on several nodes run together.

    Attributes:
        number: which node it is, from 0; what the first one makes is what the stage makes.
        nodes: how many there are.
        processes: on each of them.
    """

    number: int = 0
    nodes: int = 1
    processes: int = 1


@dataclass(frozen=True)
class Order:
    """A stage's command for a node.

    Attributes:
        stage: DVC's name of it.
        attempt: which one of this stage, from 1.
        command: for a shell.
        root: the study's folder, where the driver has it.
        folder: where the command runs, below that.
        variables: what it has in its environment beside what a node has.
        sign: tells whether a node shares the study's folder.
        libraries: what stages are forked with.
        code: the project's own modules, for a node that does not share the folder.
        inputs: all else that the command reads.
        outputs: what it makes; these three are files and folders below the study's.
        share: the node's, where several run it.
    """

    stage: str
    attempt: int
    command: str
    root: Path
    folder: Path
    variables: Mapping[str, str]
    sign: Sign
    libraries: tuple[str, ...]
    code: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    share: Share = Share()


class Began(NamedTuple):
    """A node has the order and prepares it: its name, and the process that sees to it."""

    host: str
    node: str
    pid: int


class Said(NamedTuple):
    """What the command said since the last time; without a line, that it still runs."""

    lines: list[str]


class Part(NamedTuple):
    """Bytes of a file of the node: of an output, or of the work in progress.

    Attributes:
        path: the file, below the study's folder.
        offset: where they belong; whatever the file had from there on is no longer in it.
        data: the bytes.
        progress: whether the file is work in progress, in place as soon as it has arrived.
    """

    path: str
    offset: int
    data: bytes
    progress: bool


class Gone(NamedTuple):
    """A file of the work in progress that the node has removed."""

    path: str


class Done(NamedTuple):
    """The command has ended; with ``failure`` a clause on how it failed."""

    failure: str | None


Message = Began | Said | Part | Gone | Done
