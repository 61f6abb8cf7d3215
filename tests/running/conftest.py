from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from pipeline.common.processes import Process

ROOT = Path(__file__).parents[2]
Found = TypeVar("Found")


def eventually(look: Callable[[], Found]) -> Found:
    """What ``look`` finds once it finds something."""
    for _ in range(3600):
        if found := look():
            return found
        time.sleep(0.05)
    pytest.fail("nothing within three minutes")


def written(path: Path) -> str:
    return eventually(lambda: path.exists() and path.read_text())


def ended(pid: int) -> bool:
    return eventually(lambda: Process.of(pid) is None)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system of its own, which can be full or read-only."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True
    )
    if made.returncode:
        pytest.skip("only root may mount")
    yield Disk(folder)
    subprocess.run(["umount", "--lazy", folder], check=True)


@dataclass(frozen=True)
class Disk:
    folder: Path

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.folder], check=True)


def python(
    folder: Path, *words: str, interrupt: signal.Handlers = signal.SIG_DFL, **options: object
) -> subprocess.Popen[str]:
    """A Python that finds the project and what is in the folder, however pytest takes Ctrl-C."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{folder}"}
    command = [sys.executable, *words]
    return subprocess.Popen(
        command, cwd=folder, env=environment, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, interrupt), **options,
    )  # type: ignore[call-overload]  # fmt: skip
