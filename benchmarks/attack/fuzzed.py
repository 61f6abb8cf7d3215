"""The fuzzers of the tests, with as many examples as are asked for.

The tests themselves look at a hundred or so at every run; they say what holds of each example.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass

from benchmarks.attack.tiny import ROOT

PARAMS, TABLES = "tests/study/test_mutations.py", "tests/text/test_table_files.py"
# As hypothesis says it: "281 passing, 1 failing, and 15 invalid test cases", "* 87.88%, refused".
_GENERATED = re.compile(r"(\d+) passing(?: examples)?, (\d+) failing")
_EVENT = re.compile(r"\* +([\d.]+)%, (?!Draw for)(\w.*)")


@dataclass(frozen=True)
class Found:
    """What a fuzzer saw.

    Attributes:
        what: what it made, in the plural.
        examples: how many.
        shares: percent of the examples that ended so, by test and ending.
        failed: what pytest says of those that are not as they should; empty where all are.
    """

    what: str
    examples: int
    shares: tuple[str, ...]
    failed: str

    @property
    def held(self) -> bool:
        """Whether every example was read or refused as it should be."""
        return not self.failed

    def table(self) -> list[str]:
        """The counts as Markdown."""
        wrong = 0 if self.held else "some"
        return [
            "| fuzzed | examples | not as they should | endings |",
            "|---|---|---|---|",
            f"| {self.what} | {self.examples} | {wrong} | {'; '.join(self.shares)} |",
            *self.failed.splitlines(),
        ]


def attack(tests: str, what: str, count: int, seed: int) -> Found:
    """Run the fuzzers of a file of tests.

    Args:
        tests: the file, from the repository's root.
        what: what its fuzzers make, in the plural.
        count: examples of all its fuzzers together, about.
        seed: decides which.
    """
    fuzzers = (ROOT / tests).read_text().count("@given(")
    done = subprocess.run(
        (sys.executable, "-m", "pytest", "-q", "-n", "0", "--hypothesis-show-statistics",
         f"--hypothesis-seed={seed}", tests),
        cwd=ROOT, env=os.environ | {"FUZZ_EXAMPLES": str(-(-count // fuzzers))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    failed = "" if done.returncode == 0 else (done.stdout + done.stderr)[-4000:]
    return read(done.stdout, what, failed)


def read(said: str, what: str, failed: str) -> Found:
    """What hypothesis said of its examples."""
    counts = [int(good) + int(bad) for good, bad in _GENERATED.findall(said)]
    shares = tuple(f"{percent} % {ending}" for percent, ending in _EVENT.findall(said))
    return Found(what, sum(counts), shares, failed)
