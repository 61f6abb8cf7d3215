"""fairseq's environment for the tests that really run it: the one of ``make fairseq``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from filelock import FileLock

from pipeline.backends.fairseq.environment import DEFAULT, VARIABLE

ROOT = Path(__file__).parents[2]


def make_environment() -> Path:
    """The interpreter that has fairseq: a named one, or that of ``make fairseq``, made if need be.

    Where it cannot be made (no make, no compiler, no registry) the test is skipped with the reason.
    """
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE])
    if shutil.which("make") is None:
        pytest.skip("there is no make to run `make fairseq` with")
    python = getattr(sys, "_base_executable", sys.executable)
    command = ["make", "fairseq", f"PYTHON={python}"]
    # Tests run in several processes, and two of them must not fill the same folder.
    with FileLock(Path(tempfile.gettempdir()) / "make-fairseq.lock"):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        pytest.skip(f"make fairseq failed: {reason[0] if reason else done.stderr[-500:]}")
    return ROOT / DEFAULT
