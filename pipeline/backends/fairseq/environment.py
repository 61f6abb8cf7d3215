"""The other interpreter, in which fairseq is installed, and running its commands there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import UserError

VARIABLE = "PIPELINE_FAIRSEQ_PYTHON"
DEFAULT = Path(".venv-fairseq/bin/python")
LAUNCHER = Path(__file__).with_name("launcher.py")
_VERSION = "0.12.2"
_LIBRARIES = ("fairseq", "numpy", "torch")


def interpreter() -> Path:
    """The Python that has fairseq: the one that `VARIABLE` names, or the one of ``make fairseq``.

    Raises:
        UserError: there is none, or its fairseq is missing or of another version.
    """
    path = Path(os.environ.get(VARIABLE) or DEFAULT)
    advice = f"run make fairseq, or name another interpreter in {VARIABLE}"
    if not path.exists():
        raise UserError(f"fairseq needs an environment of its own, and {path} is missing: {advice}")
    found = (versions(path) or ["none"])[0]
    if found != _VERSION:
        raise UserError(f"{path} should have fairseq {_VERSION}, but has {found}: {advice}")
    return path


def versions(python: Path) -> list[str]:
    """The versions of fairseq and of what it computes with; empty where one is missing."""
    ask = f"import importlib.metadata as m; print(*map(m.version, {_LIBRARIES}))"
    asked = subprocess.run(
        [python, "-c", ask], capture_output=True, text=True, check=False, env=_variables(1)
    )
    return asked.stdout.split() if asked.returncode == 0 else []


@contextmanager
def running(
    python: Path, command: str, arguments: Sequence[str], threads: int
) -> Iterator[subprocess.Popen[str]]:
    """Run a command of fairseq's, its output and errors in one stream of lines.

    It ends with the block, and also when this process is killed: it watches its standard input.
    """
    words = [os.fspath(python), os.fspath(LAUNCHER), "--attached", command, *arguments]
    with subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=_variables(threads),
    ) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _variables(threads: int) -> dict[str, str]:
    """The environment of the other interpreter, which must not see this one's packages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
