"""What was run: parameters, commit, versions and machines, for the record in the report."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.common.checked import Index, Name
from pipeline.common.config import parse_known
from pipeline.common.sealed import check_whose, read_sealed

_PACKAGES = ("torch", "transformers", "datasets", "dvc", "numpy", "pandas", "seaborn")


@dataclass(frozen=True)
class Provenance:
    """Facts about a run, the same however long it took."""

    params: str
    commit: str
    versions: dict[str, str]
    machine: str


@dataclass(frozen=True)
class Machine:
    """A machine that a cell was computed on."""

    device: Name
    threads: Index

    @property
    def words(self) -> str:
        """It in words: ``cpu, 2 threads``."""
        return f"{self.device}, {self.threads} thread{'s' if self.threads != 1 else ''}"


@dataclass(frozen=True)
class _Filed(Machine):
    """What is filed of the machine of an ``item``: a stage and the key of what it made."""

    item: Name


def provenance(params: Path, machines: Path) -> Provenance:
    """Gather the facts; git or a package that is absent is said to be so."""
    records = [_recorded(path) for path in sorted(machines.rglob("*.json"))]
    return Provenance(
        params.read_text(encoding="utf-8"),
        _commit(),
        {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        "; ".join(sorted({one.words for one in records})) or "not recorded",
    )


def read_machine(path: Path) -> Machine | None:
    """What is filed of one cell; None where nothing was.

    Raises:
        UserError: the file is damaged.
    """
    return _recorded(path) if path.exists() else None


def _recorded(path: Path) -> Machine:
    found = parse_known(_Filed, read_sealed(path), f"{path}: content")
    check_whose(path, (found.item,), (f"{path.parent.name}@{path.stem}",))
    return found


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
