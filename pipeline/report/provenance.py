"""What was run: parameters, commit and versions, for the record in the report; and wall times."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.common.checked import Index, Name, NotNegative
from pipeline.common.config import read_known

_PACKAGES = ("torch", "transformers", "datasets", "dvc", "numpy", "pandas", "seaborn")


@dataclass(frozen=True)
class Provenance:
    """Facts about a run: its parameters as they were written, the commit, packages' versions."""

    params: str
    commit: str
    versions: dict[str, str]


@dataclass(frozen=True)
class Timing:
    """What a stage's wall time is filed with."""

    device: Name
    threads: Index
    seconds: NotNegative

    @property
    def machine(self) -> str:
        """What it ran on, in words."""
        return f"{self.device}, {self.threads} thread{'s' if self.threads != 1 else ''}"


def read_timing(path: Path) -> Timing | None:
    """A stage's wall time; None where none was recorded."""
    if not path.exists():
        return None
    content = read_known(Timing, path)
    return Timing(content["device"], content["threads"], content["seconds"])


def provenance(params: Path) -> Provenance:
    """Gather the facts; git or a package that is absent is said to be so."""
    return Provenance(
        params.read_text(encoding="utf-8"),
        _commit(),
        {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
    )


def _commit() -> str:
    try:
        head = _git("rev-parse", "HEAD")
        return head + (" with uncommitted changes" if _git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return "not under git"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
