"""While a command loads its libraries: Ctrl-C, and a machine that is full, without a traceback."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.running.conftest import python, written

LOADING = """
import pathlib, time
import pipeline
pathlib.Path("loading").write_text("now")
{then}
"""


def started(
    folder: Path, then: str, interrupt: signal.Handlers = signal.SIG_DFL
) -> subprocess.Popen[str]:
    """``python -m command``, at the point where its own libraries are loaded."""
    package = folder / "command"
    package.mkdir()
    (package / "__init__.py").write_text("import pipeline\n")
    (package / "__main__.py").write_text(LOADING.format(then=then))
    return python(folder, "-m", "command", interrupt=interrupt, stderr=subprocess.PIPE)


@pytest.mark.parametrize(
    "then",
    [
        "time.sleep(60)",
        "while True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        pass",
    ],
)
def test_ctrl_c_ends_it_without_a_word_and_nothing_swallows_it(tmp_path: Path, then: str) -> None:
    command = started(tmp_path, then)
    written(tmp_path / "loading")
    command.send_signal(signal.SIGINT)
    assert command.communicate(timeout=180)[1] == ""
    assert command.returncode == -signal.SIGINT


@pytest.mark.parametrize("ask", [signal.SIGINT, signal.SIGTERM])
def test_who_tidies_up_is_interrupted(tmp_path: Path, ask: signal.Signals) -> None:
    tidy = (
        "from pipeline.running.startup import interruptible\n"
        "interruptible()\n"
        "pathlib.Path('tidy').write_text('now')\n"
        "try:\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    raise SystemExit(7)"
    )
    command = started(tmp_path, tidy)
    written(tmp_path / "tidy")
    command.send_signal(ask)
    command.communicate(timeout=180)
    assert command.returncode == 7


def test_an_ignored_ctrl_c_stays_ignored(tmp_path: Path) -> None:
    """As under nohup, or behind & in a script."""
    command = started(tmp_path, "time.sleep(0.5)", signal.SIG_IGN)
    written(tmp_path / "loading")
    command.send_signal(signal.SIGINT)
    command.communicate(timeout=180)
    assert command.returncode == 0


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (
            "raise ImportError('libtorch.so: failed to map segment from shared object')",
            "error: memory ran out",
        ),
        ("raise KeyError('ours')", "Traceback"),
    ],
)
def test_libraries_that_cannot_be_loaded_are_a_sentence_and_bugs_are_not(
    tmp_path: Path, then: str, said: str
) -> None:
    command = started(tmp_path, then)
    told = command.communicate(timeout=180)[1]
    assert told.startswith(said) and command.returncode == 1
    assert len(told.splitlines()) == 1 or said == "Traceback"


def test_a_program_that_uses_the_library_keeps_its_own_ways(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import signal, sys, pipeline\n"
        "assert signal.getsignal(signal.SIGINT) is signal.default_int_handler\n"
        "assert sys.excepthook is sys.__excepthook__\n"
    )
    assert python(tmp_path, "own.py").wait() == 0
