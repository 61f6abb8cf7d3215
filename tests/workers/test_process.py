from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.errors import UserError
from pipeline.workers import process
from tests.running.conftest import ended, eventually, python, written

# Says where and how it runs, and whether the libraries that it never imports are there already.
REPORTER = """
import json, os, sys
with open("seen.json", "w") as stream:
    json.dump({
        "name": __name__, "arguments": sys.argv[1:], "place": os.environ.get("PLACE"),
        "home": os.environ.get("HOME"), "loaded": "safetensors" in sys.modules,
    }, stream)
sys.exit(3)
"""


def status(command: str, folder: Path, **variables: str) -> int | None:
    started = process.start(process.context(), command, folder, variables)
    started.join(300)
    return started.exitcode


def test_a_module_runs_in_a_fork_that_has_the_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reporter_of_a_fork.py").write_text(REPORTER)
    monkeypatch.syspath_prepend(tmp_path)
    assert status("python -m reporter_of_a_fork s0 --n=1", tmp_path, PLACE="here") == 3
    assert json.loads((tmp_path / "seen.json").read_text()) == {
        "name": "__main__", "arguments": ["s0", "--n=1"], "place": "here", "home": None,
        "loaded": True,
    }  # fmt: skip


def test_a_stage_runs_in_a_fork(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stage_of_a_fork.py").write_text(
        "import pathlib\nfrom stages import entry\nentry.run(pathlib.Path('made').touch)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert status("python -m stage_of_a_fork", tmp_path, DVC_ROOT=str(tmp_path)) == 0
    assert (tmp_path / "made").exists()


def test_a_fork_can_have_code_and_words_of_its_own(tmp_path: Path) -> None:
    """As on a node of a cluster, which has another copy of the project loaded."""
    (tmp_path / "pipeline/running").mkdir(parents=True)
    for package in ("pipeline", "pipeline/running"):
        (tmp_path / package / "__init__.py").touch()
    (tmp_path / "pipeline/running/startup.py").write_text("MINE = 'own code'")
    (tmp_path / "pipeline/mine.py").write_text(
        "from pipeline.running.startup import MINE\nprint(MINE, flush=True)"
    )
    said = tmp_path / "said"
    started = process.start(
        process.context(), "python -m pipeline.mine", tmp_path, {}, code=tmp_path, said=said
    )
    started.join(300)
    assert (started.exitcode, said.read_text()) == (0, "own code\n")


@pytest.mark.parametrize(("variable", "threads"), [("3", [3]), ("4,2", []), ("", [])])
def test_torch_that_is_loaded_heeds_a_commands_environment(
    monkeypatch: pytest.MonkeyPatch, variable: str, threads: list[int]
) -> None:
    seen: list[int] = []
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(set_num_threads=seen.append))
    monkeypatch.setenv("OMP_NUM_THREADS", variable)
    process._set_threads()
    assert seen == threads


@pytest.mark.parametrize(
    "command", ["echo $PLACE > seen && exit 4", "python -m json.tool missing > seen || exit 4"]
)
def test_any_other_command_goes_to_a_shell(tmp_path: Path, command: str) -> None:
    assert status(command, tmp_path, PLACE="there", PATH=os.environ["PATH"]) == 4
    assert (tmp_path / "seen").exists()


def test_a_shell_takes_over_from_a_process_without_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that waits for the driver's end saw its descriptor closed, and killed the command."""
    threads: list[int] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(process.startup, "PARENT", 0)
    monkeypatch.setattr(process, "end_with_parent", lambda parent: None)
    monkeypatch.setattr(
        process.os, "closerange", lambda *_: threads.append(threading.active_count())
    )
    monkeypatch.setattr(process.os, "execv", lambda *_: sys.exit(7))
    monkeypatch.setattr(process, "_end_with_driver", lambda: time.sleep(60))
    before = threading.active_count()
    with pytest.raises(SystemExit, match="7"):
        process._run("cat source > single", tmp_path, {}, None, None)
    assert threads == [before]


SLEEPER = """
import os, pathlib, signal, time
pathlib.Path("pid.new").write_text(f"{os.getpid()} {os.getppid()}")
os.rename("pid.new", "pid")
while True:
    try:
        time.sleep(60)
    except BaseException:
        pass
"""
DRIVER = """
import sys, time
from pathlib import Path
from pipeline.workers import process
process.LIBRARIES = sys.argv[2:]
if __name__ == "__main__":
    process.start(process.context(), sys.argv[1], Path("."), {}).join()
    Path("idle").touch()
    time.sleep(60)
"""
SHELL = "echo $$ $(cut -d' ' -f4 /proc/$$/stat) > new; mv new pid; while true; do sleep 0.1; done"


def drive(folder: Path, command: str, *loaded: str) -> subprocess.Popen[str]:
    """A driver in a process of its own that runs a command, with the same libraries as there."""
    (folder / "sleeper_of_a_fork.py").write_text(SLEEPER)
    (folder / "driver.py").write_text(DRIVER)
    return python(
        folder, "driver.py", command, *loaded, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


@pytest.mark.parametrize("command", ["python -m sleeper_of_a_fork", SHELL])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_and_its_fork_server_end_with_their_driver(
    tmp_path: Path, command: str, how: signal.Signals
) -> None:
    driver = drive(tmp_path, command)
    pids = [int(pid) for pid in written(tmp_path / "pid").split()]
    assert len(pids) == 2
    driver.send_signal(how)
    driver.communicate()
    assert all(ended(pid) for pid in pids)


def test_a_fork_server_ends_with_its_driver_while_it_loads(tmp_path: Path) -> None:
    (tmp_path / "slow_to_load.py").write_text(SLEEPER)
    driver = drive(tmp_path, "true", "slow_to_load")
    pid = int(written(tmp_path / "pid").split()[0])
    driver.kill()
    driver.communicate()
    assert ended(pid)


IMPATIENT = """
import os, signal, sys
if any("forkserver import main" in argument for argument in sys.orig_argv):
    os.kill(os.getpid(), signal.SIGINT)
"""


def test_ctrl_c_while_the_fork_servers_python_starts_says_nothing_but_a_sentence(
    tmp_path: Path,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(IMPATIENT)
    driver = drive(tmp_path, "true")
    _, said = driver.communicate(timeout=60)
    assert "UserError: the process that stages are forked from was ended" in said.splitlines()[-1]
    assert "KeyboardInterrupt" not in said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_no_command_swallows_a_signal(tmp_path: Path, how: signal.Signals) -> None:
    driver = drive(tmp_path, "python -m sleeper_of_a_fork")
    pid, server = (int(pid) for pid in written(tmp_path / "pid").split())
    os.kill(pid, how)
    assert ended(pid)
    eventually((tmp_path / "idle").exists)
    # The server has nothing to do now, and ends with its driver all the same.
    driver.kill()
    assert driver.communicate() == ("", "")
    assert ended(server)


def test_a_fork_server_that_is_killed_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(self: object) -> None:
        raise EOFError("unexpected EOF")

    forks = process.context()
    monkeypatch.setattr(forks.Process, "start", gone)
    with pytest.raises(UserError, match="the process that stages are forked from was ended"):
        process.start(forks, "true", tmp_path, {})


def test_what_its_modules_cannot_load_for_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "greedy_of_a_fork.py").write_text("raise MemoryError('1 GiB')")
    driver = drive(tmp_path, "python -m greedy_of_a_fork")
    eventually((tmp_path / "idle").exists)
    driver.kill()
    assert driver.communicate()[1].startswith("error: memory ran out (1 GiB): lower --jobs")
