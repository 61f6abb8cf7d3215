"""What was run: parameters, commit, versions and wall time, for the record in the report."""

from __future__ import annotations

import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pipeline.common.checked import Index, Name, NotNegative
from pipeline.common.config import parse_known
from pipeline.common.sealed import read_sealed

_PACKAGES = ("torch", "transformers", "datasets", "dvc", "numpy", "pandas", "seaborn")


@dataclass(frozen=True)
class Provenance:
    """Facts about a run; ``seconds`` is the cells' wall time, None when none was recorded."""

    params: str
    commit: str
    versions: dict[str, str]
    seconds: float | None
    machine: str


@dataclass(frozen=True)
class _Timing:
    """What a stage's wall time is filed with."""

    device: Name
    threads: Index
    seconds: NotNegative


def provenance(params: Path, timing: Path) -> Provenance:
    """Gather the facts; git or a package that is absent is said to be so."""
    records = [_timing(path) for path in sorted(timing.rglob("*.json"))]
    machines = sorted({_machine(row.device, row.threads) for row in records})
    return Provenance(
        params.read_text(encoding="utf-8"),
        _commit(),
        {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}},
        sum(row.seconds for row in records) if records else None,
        "; ".join(machines) or "not recorded",
    )


def _timing(path: Path) -> _Timing:
    return parse_known(_Timing, read_sealed(path), f"{path}: content")


def _machine(device: str, threads: int) -> str:
    return f"{device}, {threads} thread{'s' if threads != 1 else ''}"


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
