from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.workers import process

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
    started.join(60)
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


@pytest.mark.parametrize(
    "command", ["echo $PLACE > seen && exit 4", "python -m json.tool missing > seen || exit 4"]
)
def test_any_other_command_goes_to_a_shell(tmp_path: Path, command: str) -> None:
    assert status(command, tmp_path, PLACE="there", PATH=os.environ["PATH"]) == 4
    assert (tmp_path / "seen").exists()


def test_a_command_ends_with_its_driver(tmp_path: Path) -> None:
    (tmp_path / "sleeper_of_a_fork.py").write_text(
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)\n"
    )
    (tmp_path / "driver.py").write_text(
        "from pathlib import Path\n"
        "from pipeline.workers import process\n"
        "process._LOADED = []\n"
        "if __name__ == '__main__':\n"
        "    sleeper = 'python -m sleeper_of_a_fork'\n"
        "    process.start(process.context(), sleeper, Path('.'), {}).join()\n"
    )
    path = f"{Path(__file__).parents[2]}:{tmp_path}"
    driver = subprocess.Popen(
        [sys.executable, "driver.py"], cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}
    )
    written = tmp_path / "pid"
    pid = int(_eventually(lambda: written.read_text() if written.exists() else ""))
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert _eventually(lambda: "" if _alive(pid) else "ended") == "ended"


def _eventually(look) -> str:
    for _ in range(600):
        if seen := look():
            return seen
        time.sleep(0.1)
    pytest.fail("nothing within a minute")


def _alive(pid: int) -> bool:
    # A zombie, whose status nobody has asked for, is not alive.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
