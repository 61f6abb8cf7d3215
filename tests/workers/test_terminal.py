from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from dvc.repo import Repo
from rich.console import Console

from pipeline import __main__ as commands
from pipeline.errors import UserError
from pipeline.study.reading import load_params
from pipeline.workers import driver, terminal
from pipeline.workers.board import Board, Expected
from pipeline.workers.driver import reproduce
from pipeline.workers.terminal import View, live

ROOT = Path(__file__).parents[2]
# What a driver and its stages say, each in a way of its own.
RUN = """
import subprocess, time
from pathlib import Path
from pipeline.workers.board import Expected
from pipeline.workers.terminal import live
with live(1, Expected, Path("said/log")):
    print("Running stage 'good' (0 of 2 done): echo", flush=True)
    subprocess.call("echo '[good] probe at d = 64, learning rate 0.5'; sleep 1.2", shell=True)
    print("Stage 'good' took 1 s", flush=True)
    print("Running stage 'bad' (1 of 2 done): echo", flush=True)
    subprocess.call("echo '[bad] error of its own' >&2", shell=True)
    print("Stage 'bad' failed after 0 s", flush=True)
print("error: failed: bad (see above)")
"""
GRAPH = """
stages:
  good: {cmd: echo 1 > good, outs: [good]}
  bad: {cmd: exit 3, deps: [good], outs: [bad]}
"""


def read(ours: int, pieces: list[bytes]) -> None:
    # Linux says with an error that the other end is closed.
    with suppress(OSError):
        while piece := os.read(ours, 65536):
            pieces.append(piece)


def test_a_terminal_shows_the_board_and_the_log_keeps_the_lines(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    pieces: list[bytes] = []
    # A terminal holds little: who writes waits until it is read.
    reader = threading.Thread(target=read, args=(ours, pieces))
    reader.start()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, env=environment, stdout=theirs, stderr=theirs,
        timeout=300, check=True,
    )  # fmt: skip
    os.close(theirs)
    reader.join()
    text = b"".join(pieces).decode()
    assert "0 of 2 stages done" in text and "probe at d = 64" in text
    # What failed is seen with what it said, and the last word comes after the board.
    assert text.index("[bad] error of its own") < text.index("Stage 'bad' failed after 0 s")
    assert text.rstrip().endswith("error: failed: bad (see above)")
    assert (tmp_path / "said/log").read_text().splitlines() == [
        "Running stage 'good' (0 of 2 done): echo",
        "[good] probe at d = 64, learning rate 0.5",
        "Stage 'good' took 1 s",
        "Running stage 'bad' (1 of 2 done): echo",
        "[bad] error of its own",
        "Stage 'bad' failed after 0 s",
    ]


def test_the_drivers_own_lines_are_understood(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    caplog.clear()
    with caplog.at_level(logging.INFO, "pipeline.workers"), pytest.raises(UserError):
        reproduce([], jobs=1)
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("pipeline.workers")]
    board = Board(1)
    seen = [text for line in lines for text in board.hear(line, 0.0)]
    assert (board.done, board.total, board.running) == (1, 2, {})
    assert len(seen) == 1 and "'bad'" in seen[0]
    # Nothing writes over its own line where no terminal is.
    assert not set("\r\x1b") & set("".join(capfd.readouterr()))


@pytest.mark.parametrize(
    ("words", "shown"), [([], True), (["--plain"], False), (["--jobs", "3"], True)]
)
def test_the_board_is_for_terminals(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], shown: bool
) -> None:
    boards: list[int] = []

    @contextmanager
    def stand_in(jobs: int, expected, log: Path) -> Iterator[None]:
        boards.append(jobs)
        found = expected()
        assert found.stages["search"] == 36 and found.flop["search"] > found.flop["baseline"] > 0
        yield

    params = load_params(ROOT / "presets/laptop.yaml")
    monkeypatch.setattr(commands, "load_params", lambda: params)
    monkeypatch.setattr(commands, "write_graph", lambda _: False)
    monkeypatch.setattr(terminal, "live", stand_in)
    monkeypatch.setattr(driver, "default_jobs", lambda _: 2)
    monkeypatch.setattr(driver, "reproduce", lambda *_: "done")
    monkeypatch.setattr(sys, "argv", ["pipeline", "repro", *words])
    for is_terminal in (False, True):
        out = io.StringIO()
        monkeypatch.setattr(out, "isatty", lambda answer=is_terminal: answer)
        monkeypatch.setattr(sys, "stdout", out)
        assert commands.main() == 0 and out.getvalue().endswith("done\n")
    assert len(boards) == shown and boards[:1] in ([], [2], [3])


def test_everything_is_back_where_it_was_after_an_error(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="inside"), live(1, Expected, tmp_path / "log"):
        os.write(1, b"within\n")
        raise ValueError("inside")
    os.write(1, b"after\n")
    assert "after\n" in capfd.readouterr().out
    assert (tmp_path / "log").read_text() == "within\n"


def test_the_table_has_the_numbers_and_no_markup() -> None:
    board = Board(1)
    board.hear("Running stage 'search@[red]x' (3 of 9 done): x", 0.0)
    one = board.running["search@[red]x"]
    one.hear("probe at d = 2048, learning rate 1")
    one.hear("  metric 0.5 after 1 of 8 evaluations, target 0.75: x")
    out = io.StringIO()
    Console(file=out, width=120).print(View(board, clock=lambda: 75.0))
    text = out.getvalue()
    assert "search@[red]x" in text and "1 min 15 s" in text and "3 of 9 stages done" in text
    assert "2,048" in text and "0.5000 / 0.7500" in text
