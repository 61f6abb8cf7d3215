"""A real Ray cluster of two nodes on this machine, of which one does not share the study's folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from dvc.repo import Repo

from pipeline.common.processes import Process
from pipeline.errors import UserError
from pipeline.workers.cluster import attempt, launch
from pipeline.workers.cluster.ray_pool import RayPool
from pipeline.workers.driver import reproduce
from pipeline.workers.options import Options
from tests.running.conftest import eventually, written
from tests.workers.cluster.conftest import ROOT, Two

# The Ray worker that a command comes from: the parent of the server that it is a fork of.
WORKER = "$(cut -d' ' -f4 /proc/$PPID/stat)"
# Once its row has come home, and the driver has heard of it, the first attempt does something to the
# worker.
ONCE = (
    "d=.scratch/search/{name}; if test -f $d/rows.jsonl; then cat $d/rows.jsonl source > {name}; "
    "else mkdir -p $d; echo row > $d/rows.jsonl; "
    "until test -s {home}/$d/rows.jsonl; do sleep 0.1; done; sleep 2; kill -{how} "
    + WORKER
    + "; sleep 99; fi"
)
# Two that go on once both have run at a time: as a node has one core, on both nodes.
MEET = (
    "pwd >> {home}/places; echo $$ > {home}/{name}.pid; until test -f {home}/met || "
    "kill -0 $(cat {home}/{other}.pid); do sleep 0.1; done 2> /dev/null; touch {home}/met; "
    "echo '[search@{name}] at work' | tee {name}"
)


def stages(**commands: str) -> str:
    text = "stages:\n  search:\n    foreach:\n"
    for name, command in commands.items():
        text += f"      {name}: {json.dumps(command)}\n"
    text += "    do: {cmd: '${item}', deps: [source, large], outs: ['${key}']}\n"
    return text + "  collect: {cmd: pwd > collected, deps: [c], outs: [collected]}\n"


def stale() -> set[str]:
    with Repo() as repo:
        return set(repo.status())


@pytest.fixture
def run(
    two: Two, repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> str:  # fmt: skip
    """What a run with two lost workers and a failure says."""
    caplog.set_level("INFO")
    monkeypatch.setattr(attempt, "SILENCE", 5.0)
    (repository / "large").write_bytes(os.urandom(1 << 20))
    graph = stages(
        killed=ONCE.format(name="killed", how="KILL", home=repository),
        stopped=ONCE.format(name="stopped", how="STOP", home=repository),
        broken="echo 1 > broken; exit 3",
        a=MEET.format(name="a", other="b", home=repository),
        b=MEET.format(name="b", other="a", home=repository),
        c="pwd > c",
    )
    (repository / "dvc.yaml").write_text(graph)
    with pytest.raises(UserError, match=r"^failed: search@broken \(see above\); 0 other"):
        pool = RayPool(two.address, 1, repository)
        reproduce([], 1, Options(keep_going=True), pool)
    return caplog.text + capfd.readouterr().out


def test_a_study_on_two_nodes_ends_as_a_serial_one_whatever_is_lost(
    run: str, two: Two, repository: Path
) -> None:
    # Lost workers: what they had done was sent home, and gone on from.
    assert re.search(r"'search@killed' was lost with \S+ \(\w+\): attempt \d of 3", run)
    assert re.search(r"'search@stopped' was lost with \S+ \(it said nothing for 5 s\)", run)
    for name in ("killed", "stopped"):
        assert (repository / name).read_text() == "row\n1"
    assert "stage 'search@broken' failed" in run and "[search@a] at work" in run
    # Both nodes took part; what does not compute stayed at home.
    places = {Path(line) for line in (repository / "places").read_text().splitlines()}
    assert repository in places and any(two.folder in place.parents for place in places)
    assert Path((repository / "collected").read_text().strip()) == repository
    # No file crossed twice, and no process or half file is left.
    sent = re.search(r"(\d+\.\d) MB\) were sent to 1 nodes, none twice to the same", run)
    assert sent and float(sent[1]) < 3.5
    assert not [path for path in (repository / ".scratch/arriving").glob("*")]
    assert stale() == {"search@broken"}


def driver(repository: Path, address: str) -> subprocess.Popen[bytes]:
    code = (
        "import sys; from pathlib import Path\n"
        "from pipeline.workers import process; process.LIBRARIES = ['json']\n"
        "from pipeline.workers.cluster.ray_pool import RayPool\n"
        "from pipeline.workers.driver import reproduce\n"
        "reproduce([], 1, pool=RayPool(sys.argv[1], 1, Path.cwd()))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.Popen([sys.executable, "-c", code, address], cwd=repository, env=environment)


def test_no_command_outlives_its_driver(two: Two, repository: Path) -> None:
    (repository / "large").touch()
    sign = repository / "pid"
    command = f"echo $$ > {sign}.new; mv {sign}.new {sign}; exec sleep 600"
    (repository / "dvc.yaml").write_text(stages(c=command))
    started = driver(repository, two.address)
    pid = int(written(sign))
    started.kill()
    started.wait(60)
    assert eventually(lambda: Process.of(pid) is None)


def test_a_node_with_other_packages_is_refused(
    two: Two, repository: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    own = launch.made()
    other: Any = type(own)(own.python, {**own.packages, "torch": "1.0"}, own.code)
    monkeypatch.setattr(launch, "made", lambda: other)
    caplog.set_level("INFO")
    (repository / "large").touch()
    (repository / "dvc.yaml").write_text(stages(c="pwd > c"))
    with pytest.raises(UserError, match="failed: search@c"):
        reproduce([], 1, pool=RayPool(two.address, 1, repository))
    assert re.search(
        r"is refused on \S+, which has torch \S+ where the driver has 1.0", caplog.text
    )
    # Not a node of it has so much: asked for again, it is said before anything is started.
    (repository / "cluster.yaml").write_text("search: {gpus: 2, memory: 1}")
    with pytest.raises(UserError, match=r"needs \(1 CPUs, 2 GPUs, 1 GiB of memory\): start one"):
        reproduce([], 1, pool=RayPool(two.address, 1, repository))


def test_a_cluster_that_is_not_there_is_one_sentence(repository: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(UserError, match=r"no Ray cluster can be used at 127\.0\.0\.1:1 "):
        RayPool("127.0.0.1:1", 1, repository)
