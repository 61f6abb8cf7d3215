"""What the fuzzers say is counted, whichever way this hypothesis words it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from benchmarks.attack.fuzzed import read

TEST = """
from hypothesis import event, given, strategies as st

@given(st.integers(0, 9))
def test_it(number):
    event("even" if number % 2 == 0 else "odd")
"""


def test_examples_and_endings_are_counted_as_the_installed_hypothesis_says_them(
    tmp_path: Path,
) -> None:
    (tmp_path / "test_it.py").write_text(TEST)
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
         "--hypothesis-show-statistics", "test_it.py"),
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found = read(done.stdout, "numbers", "")
    assert found.examples == 10
    assert {share.split()[-1] for share in found.shares} == {"even", "odd"}
    assert "| numbers | 10 | 0 |" in "\n".join(found.table())
