"""What holds for every stage, by one that only sleeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.running.conftest import ended, python, written

STAGE = """
import os, pathlib, sys, time
from stages import entry
def main():
    pathlib.Path("pid").write_text(str(os.getpid()))
    time.sleep(float(sys.argv[1]))
entry.run(main)
"""


def test_a_stage_ends_with_who_started_it_and_makes_its_item_alone(tmp_path: Path) -> None:
    (tmp_path / "stage.py").write_text(STAGE)
    os.environ["DVC_STAGE"] = "search@s0-duplicate"
    try:
        start = f"import subprocess; subprocess.run([{sys.executable!r}, 'stage.py', '600'])"
        parent = python(tmp_path, "-c", start)
        pid = int(written(tmp_path / "pid"))
        # From a folder below, DVC names the same stage with the way up.
        os.environ["DVC_STAGE"] = "../dvc.yaml:search@s0-duplicate"
        second = python(tmp_path, "stage.py", "0", stderr=subprocess.PIPE)
        said = f"error: search@s0-duplicate is being made by process {pid} already: "
        assert second.communicate()[1].startswith(said) and second.returncode == 2
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert ended(pid)
        assert python(tmp_path, "stage.py", "0").wait() == 0
    finally:
        del os.environ["DVC_STAGE"]


def test_a_stage_ends_with_who_started_it_while_it_loads_its_libraries(tmp_path: Path) -> None:
    (tmp_path / "loading").mkdir()
    (tmp_path / "loading/__init__.py").write_text(
        "import os, pathlib, stages, time\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))\n"
        "time.sleep(600)\n"
    )
    start = f"import subprocess; subprocess.run([{sys.executable!r}, '-m', 'loading'])"
    parent = python(tmp_path, "-c", start)
    pid = int(written(tmp_path / "pid"))
    parent.kill()
    parent.wait()
    assert ended(pid)
