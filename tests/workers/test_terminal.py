from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from dvc.repo import Repo
from rich.console import Console

from pipeline.workers.board import Board, Expected
from pipeline.workers.terminal import View, live

ROOT = Path(__file__).parents[2]
# A study of two stages, one of which says things and fails; a shell's command is a line of it.
GRAPH = """
stages:
  good:
    cmd: echo "[good] probe at d = 64, learning rate 0.5"; sleep 1.2; echo 1 > good
    outs: [good]
  bad:
    cmd: echo "[bad] error of its own"; exit 3
    deps: [good]
    outs: [bad]
"""
DRIVER = """
import logging, sys
from pathlib import Path
from pipeline.errors import UserError
from pipeline.workers import process
from pipeline.workers.board import Expected
from pipeline.workers.driver import reproduce
from pipeline.workers.terminal import live
process._LOADED = []
if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    logging.getLogger("dvc").setLevel(logging.WARNING)
    try:
        if sys.stdout.isatty():
            with live(1, Expected, Path("said/log")):
                reproduce([], 1)
        else:
            reproduce([], 1)
    except UserError as error:
        print("error:", error)
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    Repo.init(str(tmp_path), no_scm=True).close()
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    (tmp_path / "drive.py").write_text(DRIVER)
    return tmp_path


def drive(study: Path, output: int) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    subprocess.run(
        [sys.executable, "drive.py"], cwd=study, env=environment, stdout=output, stderr=output,
        timeout=600, check=True,
    )  # fmt: skip


def read(terminal: int, pieces: list[bytes]) -> None:
    # Linux says with an error that the other end is closed.
    with suppress(OSError):
        while piece := os.read(terminal, 65536):
            pieces.append(piece)


def test_a_terminal_shows_the_board_and_the_log_keeps_the_lines(study: Path) -> None:
    ours, theirs = os.openpty()
    pieces: list[bytes] = []
    # A terminal holds little: who writes waits until it is read.
    reader = threading.Thread(target=read, args=(ours, pieces))
    reader.start()
    drive(study, theirs)
    os.close(theirs)
    reader.join()
    text = b"".join(pieces).decode()
    assert "0 of 2 stages done" in text and "64" in text
    # What failed is seen with what it said, and the last word comes after the board.
    assert "[bad] error of its own" in text and "Stage 'bad' failed" in text.replace(
        "stage", "Stage"
    )
    assert text.rstrip().endswith("0 other stages are left undone")
    said = (study / "said/log").read_text().splitlines()
    assert "[good] probe at d = 64, learning rate 0.5" in said
    assert any(line.startswith("Running stage 'bad' (1 of 2 done)") for line in said)


def test_without_a_terminal_there_are_plain_lines(study: Path) -> None:
    with open(study / "out", "wb") as out:
        drive(study, out.fileno())
    text = (study / "out").read_bytes()
    assert b"\r" not in text and b"\x1b" not in text
    assert b"[good] probe at d = 64" in text and not (study / "said").exists()


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
    board.hear("[search@[red]x] told elsewhere", 0.0)
    one = board.running["search@[red]x"]
    for line in (
        "probe at d = 2048, learning rate 1",
        "  metric 0.5 after 1 of 8 evaluations, target 0.75: x",
    ):
        one.hear(line)
    out = io.StringIO()
    Console(file=out, width=120).print(View(board, clock=lambda: 75.0))
    text = out.getvalue()
    assert "search@[red]x" in text and "1 min 15 s" in text and "3 of 9 stages done" in text
    assert "2,048" in text and "0.5000 / 0.7500" in text
