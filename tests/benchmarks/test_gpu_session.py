"""The session on a GPU: its time-keeping, and a rehearsal where little is installed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchmarks.gpu_session import __main__ as command
from benchmarks.gpu_session.measuring import Row
from benchmarks.gpu_session.session import Part, Session, rows_of
from benchmarks.gpu_session.table import markdown

ROOT = Path(__file__).parents[2]

# Whatever torch, transformers and Triton do not ask for is missing, as on a machine of somebody else's.
REHEARSAL = """
import re, sys
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

def plain(name):
    return re.sub("[-_.]+", "-", name).lower()

there, open_ones = set(), ["torch", "transformers", "triton"]
while open_ones:
    name = plain(open_ones.pop())
    if name in there:
        continue
    try:
        asked = distribution(name).requires or []
    except PackageNotFoundError:
        continue
    there.add(name)
    open_ones += [re.match("[A-Za-z0-9_.-]+", one).group() for one in asked if "extra ==" not in one]
absent = {
    module for module, owners in packages_distributions().items()
    if not any(plain(owner) in there for owner in owners)
}
assert {"dvc", "datasets", "cattrs", "pyarrow", "pandas", "psutil", "scipy"} <= absent

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in absent else PathFinder.find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
from benchmarks.gpu_session.__main__ import PARTS, measure
from benchmarks.gpu_session.session import Session

def here(part, seconds):
    rows = []
    measure(part.name, True, rows.append)
    return iter(rows)

Session(Path(sys.argv[1]), 10, here).run(PARTS)
"""


@pytest.mark.skipif(torch.cuda.is_available(), reason="the rehearsal is for machines without a GPU")
def test_every_part_is_rehearsed_with_torch_transformers_and_triton_alone(tmp_path: Path) -> None:
    pytest.importorskip("triton", reason="the versions that a session notes include Triton's")
    done = subprocess.run(
        [sys.executable, "-c", REHEARSAL, str(tmp_path)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()]
    assert [row for row in rows if "FAILED" in row["case"] or "NO" in row.values()] == []
    cases = {
        part.title: [row for row in rows if row["part"] == part.title] for part in command.PARTS
    }
    # Beside what a part took: all d and dtypes, the copy and all d, full and SAID, …
    assert [len(own) - 1 for own in cases.values()] == [1, 6, 3, 2, 7, 2, 1, 6]
    assert all(
        row["agree"] == "yes" for row in cases["Kernels against the reference on the CPU"][:-1]
    )
    assert rows[-2]["hours"] > 0 and (tmp_path / "table.md").read_text() == markdown(rows)


class Clock:
    """Seconds that pass only when something says that it takes some."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


PLAN = [Part("first", "First", 50), Part("second", "Second", 50), Part("third", "Third", 50)]


def play(out: Path, minutes: float, takes: dict[str, float]) -> tuple[list[Row], dict[str, float]]:
    """The rows of a session whose parts take so long, and the seconds that each was given."""
    clock, given = Clock(), {}

    def start(part: Part, seconds: float) -> Iterator[Row]:
        given[part.name] = seconds
        clock.now += min(takes[part.name], seconds)
        yield {"case": part.name}

    session = Session(out, minutes, start, clock)
    session.run(PLAN)
    return session.rows, given


def test_a_part_gets_its_own_time_or_what_is_left(tmp_path: Path) -> None:
    rows, given = play(tmp_path, 2, {"first": 10, "second": 99, "third": 40})
    assert given == {"first": 50, "second": 50, "third": 50}
    assert [row["took s"] for row in rows if "took s" in row] == [10, 50, 40]
    _, given = play(tmp_path, 100 / 60, {"first": 40, "second": 30, "third": 40})
    assert given["third"] == 30


def test_what_the_time_does_not_reach_is_named_and_not_begun(tmp_path: Path) -> None:
    rows, given = play(tmp_path, 1, {"first": 45, "second": 1, "third": 1})
    assert list(given) == ["first"]
    assert [row["case"] for row in rows[2:]] == ["left out: 15 s were left"] * 2


def test_a_failure_ends_its_part_alone_and_what_it_had_is_kept(tmp_path: Path) -> None:
    def start(part: Part, seconds: float) -> Iterator[Row]:
        yield {"case": part.name, "x": 1.0}
        if part.name == "first":
            assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 1
            raise RuntimeError("an illegal memory access")

    session = Session(tmp_path, 2, start, Clock())
    session.run(PLAN)
    cases = [str(row["case"]) for row in session.rows]
    assert cases[:2] == ["first", "FAILED: RuntimeError: an illegal memory access"]
    assert {"second", "third"} <= set(cases)


def python(program: str) -> list[str]:
    return [sys.executable, "-S", "-c", program]


def test_a_process_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    log, mark = tmp_path / "log", tmp_path / "mark"
    child = f"import time; time.sleep(2); open({str(mark)!r}, 'w')"
    program = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-S', '-c', {child!r}])\n"
        'print(\'{"case": "one"}\', flush=True); time.sleep(60)'
    )
    start = time.monotonic()
    rows = list(rows_of(python(program), 1, log))
    assert rows == [{"case": "one"}, {"case": "ENDED after 1 s, its time"}]
    assert time.monotonic() - start < 30
    time.sleep(2)
    assert not mark.exists()


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    program = "print('{\"case\": \"one\"}'); print('words'); raise MemoryError('no room')"
    rows = list(rows_of(python(program), 60, tmp_path / "log"))
    assert rows == [{"case": "one"}, {"case": "FAILED: MemoryError: no room"}]


def test_the_table_has_a_column_for_every_figure_of_a_part() -> None:
    rows: list[Row] = [
        {"part": "A", "case": "x", "ms": 0.012346},
        {"part": "A", "case": "y", "tokens/s": 1234567.8},
        {"part": "B", "case": "z"},
    ]
    lines = markdown(rows).splitlines()
    assert lines[2] == "| case | ms | tokens/s |"
    assert lines[4:6] == ["| x | 0.01235 |  |", "| y |  | 1,234,568 |"]
    assert "**B**" in lines


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["gpu_session", *arguments])
    return command.main()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to measure")
def test_without_a_gpu_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(monkeypatch, "--out", str(tmp_path)) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 and "--tiny" in printed.err and not printed.out


def test_a_session_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "rows.jsonl").write_text("{}\n")
    assert run(monkeypatch, "--tiny", "--out", str(tmp_path)) == 2
    assert "--out" in capsys.readouterr().err
