"""A Ray cluster of two nodes on this machine, one of them without the study's folder.

``python -m benchmarks.cluster same`` runs a tiny study alone, with two jobs and on two nodes
without its folder, compares all that they leave, and tells what was sent; ``trivial`` takes the
driver's time of stages that do nothing; ``large`` sends large files; ``kills`` kills workers, nodes
and drivers until a study of countable trials is done, and counts the trials, the rows of journals
and who lives on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.attack.tiny import ROOT, TinyStudy, copy_project, tiny_params
from benchmarks.attack.victims import processes
from benchmarks.two_nodes import Two, two_nodes
from pipeline.common.processes import Process
from pipeline.common.yaml_file import read_yaml

_STAGES, _CELLS, _TRIALS = 304, 6, 12
# Seconds: of a trial; until nothing of a driver is alive; the latest kill after a start.
_TRIAL, _ORPHANED, _LATEST = 0.25, 10.0, 25.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# A cell's command: trials that a journal has are not done again; each done is also counted apart.
_CELL = (
    "d=.scratch/search/{name}; mkdir -p $d; touch $d/rows.jsonl; "
    "for i in $(seq {trials}); do grep -q '^'$i'$' $d/rows.jsonl && continue; sleep {trial}; "
    "echo {name} $i >> {counted}; echo $i >> $d/rows.jsonl; done; cp $d/rows.jsonl {name}"
)


def _plain(folder: Path, graph: dict[str, Any]) -> TinyStudy:
    """A study with the project's code and stages of its own."""
    copy_project(folder)
    (folder / "dvc.yaml").write_text(json.dumps({"stages": graph}))
    study = TinyStudy(folder)
    study.start("dvc", "init", "--quiet", "--no-scm").wait()
    return study


def _driver(study: TinyStudy, two: Two | None, *options: str) -> subprocess.Popen[str]:
    """``python -m pipeline repro``, which for these graphs must not ask for parameters."""
    on = f"RayPool({two.address!r}, 1, Path.cwd())" if two else "None"
    code = (
        "import logging, sys; from pathlib import Path\n"
        "logging.basicConfig(level='INFO', stream=sys.stdout, format='%(message)s')\n"
        "logging.getLogger('dvc').setLevel('WARNING')\n"
        "from pipeline.running import startup; startup.interruptible()\n"
        "from pipeline.workers import process; process.LIBRARIES = ['json']\n"
        "from pipeline.workers.cluster.ray_pool import RayPool\n"
        "from pipeline.workers.driver import reproduce\n"
        "try: print(reproduce([], 1, pool=" + on + "))\n"
        "except Exception as error: sys.exit(startup.told(error))\n"
    )
    return study.start("python", "-c", code, *options)


def same(out: Path, rows: int) -> None:
    """The same tiny study three ways: its tables, figures, cache and dvc.lock."""
    with two_nodes(shared=False) as (two, folder):
        params = tiny_params(list(_tasks()))
        params["checkpoints"] = {"s0": 0, "s4": 4, "s8": 8}
        for task in params["tasks"].values():
            task["data"]["train"][0]["synthetic"]["rows"] = rows
        fresh = TinyStudy.create(folder / "fresh", params)
        ways = {
            "--jobs 1": ("--jobs", "1"),
            "--jobs 2": ("--jobs", "2"),
            "--on ray": ("--jobs", "1", "--on", "ray", "--address", two.address),
        }
        left, lines = {}, ["| way | wall | files that differ |", "|---|---|---|"]
        for way, options in ways.items():
            study = TinyStudy(folder / f"study{len(left)}")
            shutil.copytree(fresh.folder, study.folder, symlinks=True)
            began = time.monotonic()
            if study.start("python", "-m", "pipeline", "repro", *options).wait():
                raise RuntimeError(study.said())
            wall, left[way] = time.monotonic() - began, study.left()
            first = next(iter(left.values()))
            names = first.keys() | left[way].keys()
            other = sorted(name for name in names if first.get(name) != left[way].get(name))
            lines.append(f"| `{way}` | {wall:.0f} s | {len(other)} of {len(names)} |")
            sent = [line for line in study.said().splitlines() if "were sent to" in line]
            out.write_text("\n".join([*lines, *other[:9], *sent]) + "\n")


def _tasks() -> list[str]:
    return list(read_yaml(ROOT / "presets/laptop.yaml")["tasks"])


def trivial(out: Path) -> None:
    """The driver's own time of stages that do nothing, and of a run without anything to do."""
    graph = {
        "search": {
            "foreach": [f"n{number}" for number in range(_STAGES)],
            "do": {"cmd": "echo ${item} > ${item}", "outs": ["${item}"]},
        }
    }
    lines = ["| run | wall | driver's CPU | largest | it ended with |", "|---|---|---|---|---|"]
    with two_nodes() as (two, folder):
        study = _plain(folder / "study", graph)
        for run in ("all", "nothing to do"):
            began = time.monotonic()
            command = _driver(study, two)
            _, status, own = os.wait4(command.pid, 0)
            wall = time.monotonic() - began
            cpu, most = own.ru_utime + own.ru_stime, own.ru_maxrss / 1024
            ended = f"{os.waitstatus_to_exitcode(status)}: {study.said().splitlines()[-1]}"
            lines.append(f"| {run} | {wall:.1f} s | {cpu:.1f} s | {most:.0f} MiB | {ended} |")
            out.write_text("\n".join(lines) + "\n")


def large(out: Path) -> None:
    """Files of a checkpoint's size and more, to a node of their own and back."""
    lines = ["| file | there and back |", "|---|---|"]
    with two_nodes(shared=False) as (two, folder):
        for size in (64, 512, 2048):
            stage = {"cmd": "cp large made", "deps": ["large"], "outs": ["made"]}
            study = _plain(folder / f"study{size}", {"search": stage})
            with open(study.folder / "large", "wb") as stream:
                for _ in range(size):
                    stream.write(os.urandom(1 << 20))
            began = time.monotonic()
            if _driver(study, two).wait():
                raise RuntimeError(study.said())
            wall = time.monotonic() - began
            whole = (study.folder / "made").stat().st_size == size << 20
            lines.append(f"| {size} MiB | {wall:.1f} s{'' if whole else ', not whole'} |")
            out.write_text("\n".join(lines) + "\n")
            shutil.rmtree(study.folder)


def kills(out: Path, count: int, seed: int) -> None:
    """Kill a worker, the node of its own or the driver, each ``count`` times at random moments."""
    chance, done = random.Random(seed), Counter[str]()
    found: Counter[str] = Counter()
    with two_nodes() as (two, folder):
        number = 0
        while any(done[what] < count for what in ("worker", "node", "driver")):
            number += 1
            study = _countable(folder / f"study{number}")
            _kill_until_done(study, two, chance, done, found, count)
            _count(study, found)
            shutil.rmtree(study.folder)
            out.write_text(f"{dict(done)} over {number} studies: {dict(found)}\n")


def _countable(folder: Path) -> TinyStudy:
    names = [f"c{number}" for number in range(_CELLS)]
    command = _CELL.format(name="${item}", trials=_TRIALS, trial=_TRIAL, counted=folder / "counted")
    cells = {"foreach": names, "do": {"cmd": command, "outs": ["${item}"]}}
    collect = {"cmd": f"cat {' '.join(names)} > all", "deps": names, "outs": ["all"]}
    return _plain(folder, {"search": cells, "collect": collect})


def _kill_until_done(
    study: TinyStudy, two: Two, chance: random.Random, done: Counter[str], found: Counter[str],
    count: int,
) -> None:  # fmt: skip
    for _ in range(20):
        command = _driver(study, two)
        try:
            if command.wait(chance.uniform(1.0, _LATEST)) == 0:
                return
            found["failed and run again"] += 1
            continue
        except subprocess.TimeoutExpired:
            pass
        wanted = [what for what in ("worker", "node", "driver") if done[what] < count]
        what = chance.choice(wanted or ["worker"])
        if what == "node":
            two.renew()
        elif what == "driver":
            command.send_signal(chance.choice(_SIGNALS))
        else:
            workers = two.workers()
            if not workers:
                command.wait()
                continue
            os.kill(chance.choice(workers), signal.SIGKILL)
        done[what] += 1
        command.wait()
        found["orphans"] += _orphans(study)
        if (lock := study.folder / "dvc.lock").exists():
            found["torn dvc.lock"] += "schema" not in read_yaml(lock)
    raise RuntimeError(study.said())


def _orphans(study: TinyStudy) -> int:
    """Commands and processes of the study that are still there after a while."""
    until = time.monotonic() + _ORPHANED
    while (alive := _cells(study)) and time.monotonic() < until:
        time.sleep(0.2)
    return len(alive)


def _cells(study: TinyStudy) -> list[int]:
    word = str(study.folder / "counted").encode()
    own = []
    for place in Path("/proc").iterdir():
        try:
            if place.name.isdecimal() and word in (place / "cmdline").read_bytes():
                own.append(int(place.name))
        except OSError:
            continue
    return [pid for pid in own if Process.of(pid)] + processes(study.folder)


def _count(study: TinyStudy, found: Counter[str]) -> None:
    rows = (study.folder / "all").read_text().split()
    every = [str(number) for number in range(1, _TRIALS + 1)] * _CELLS
    found["trials lost or doubled in results"] += len(Counter(every) - Counter(rows))
    found["trials lost or doubled in results"] += len(Counter(rows) - Counter(every))
    did = Counter((study.folder / "counted").read_text().splitlines())
    found["trials computed again"] += did.total() - len(did)
    found["trials"] += len(did)


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    several = parser.add_subparsers(dest="what", required=True)
    measurements = {"same": same, "trivial": trivial, "large": large, "kills": kills}
    own = {name: several.add_parser(name) for name in measurements}
    for one in own.values():
        one.add_argument("out", type=Path, help="the file for the table")
    own["same"].add_argument("--rows", type=int, default=320, help="a task's training rows")
    own["kills"].add_argument("--count", type=int, default=15, help="kills of each part")
    own["kills"].add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    options = {name: value for name, value in vars(chosen).items() if name != "what"}
    measurements[chosen.what](**options)
    sys.stdout.write(chosen.out.read_text())


if __name__ == "__main__":
    main()
