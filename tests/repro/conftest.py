"""A tiny study in a folder of its own, run by the real ``dvc repro``."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from ruamel.yaml import YAML

from benchmarks.attack.tiny import copy_project, tiny_params
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.study.graph import write_graph
from pipeline.study.reading import load_params
from pipeline.workers.driver import reproduce
from pipeline.workers.process import context

ROOT = Path(__file__).parents[2]

# Kills the process group, DVC included, when a file is about to be renamed into its place.
KILLER = """
import os, signal
_replace, _seen = os.replace, []
def replace(source, target, **options):
    wanted = os.environ.get("KILL_AT")
    if wanted and wanted in os.fspath(target):
        _seen.append(target)
        if len(_seen) == int(os.environ["KILL_TIME"]):
            os.killpg(os.getpgid(0), signal.SIGKILL)
    return _replace(source, target, **options)
os.replace = replace
"""


class Study:
    """A working copy and the commands a user would give in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @staticmethod
    def create(folder: Path) -> Study:
        copy_project(folder)
        study = Study(folder)
        study.write(tiny_params())
        study.command("git", "init", "--quiet")
        study.command("dvc", "init", "--quiet")
        shutil.copy(ROOT / ".dvc/config", folder / ".dvc/config")
        shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots")
        (folder / "killer").mkdir()
        (folder / "killer/sitecustomize.py").write_text(KILLER)
        return study

    def copy(self, folder: Path) -> Study:
        shutil.copytree(self.folder, folder, symlinks=True)
        return Study(folder)

    def write(self, params: dict[str, Any]) -> None:
        with open(self.folder / "params.yaml", "w") as stream:
            YAML(typ="safe", pure=True).dump(params, stream)
        # What `python -m pipeline graph` does; a mistake in the parameters is for the test to see.
        with suppress(UserError):
            path = self.folder / "params.yaml"
            write_graph(load_params(path), self.folder / "graph.yaml")

    def params(self) -> dict[str, Any]:
        return read_yaml(self.folder / "params.yaml")

    def command(self, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "PYTHONPATH": str(self.folder / "killer"),
            # Dozens of processes read the modules that the first of them has compiled.
            "PYTHONDONTWRITEBYTECODE": "",
            **variables,
        }
        return subprocess.run(
            words, cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
            start_new_session=True,
        )  # fmt: skip

    def repro(self, *words: str) -> set[str]:
        """Run ``dvc repro``; return the stages that ran."""
        return self._ran("dvc", "repro", *words)

    def driver(self, *targets: str, jobs: int = 1) -> set[str]:
        """The same by ``python -m pipeline repro``."""
        return self._ran("python", "-m", "pipeline", "repro", *targets, "--jobs", str(jobs))

    def quick(self, *targets: str, jobs: int = 1) -> set[str]:
        """What that does, in this process: its stages start in no time, as forks that run this code.

        So it is not for studies whose code was edited, or whose journals a command is to go on from.
        """
        context()
        # From here, so that it has the modules of this checkout; it serves all studies.
        forkserver.ensure_running()
        with chdir(self.folder), heard("pipeline.workers") as lines:
            write_graph(load_params())
            reproduce(targets, jobs)
        return _stages("\n".join(lines))

    def _ran(self, *words: str) -> set[str]:
        done = self.command(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return _stages(done.stdout)

    def stale(self) -> set[str]:
        """The stages that DVC holds for stale, what follows from their running left aside."""
        return set(json.loads(self.command("dvc", "status", "--json").stdout))

    def commit(self) -> None:
        """Take the study into git, which DVC's experiments need."""
        self.command("git", "add", "--all")
        name = ("-c", "user.name=t", "-c", "user.email=t@t")
        done = self.command("git", *name, "commit", "--quiet", "--message", "study")
        assert done.returncode == 0, done.stdout + done.stderr

    def cached(self) -> dict[str, bytes]:
        """DVC's cache of files and of runs."""
        cache = self.folder / ".dvc/cache"
        files = [path for path in cache.rglob("*") if path.is_file()]
        return {str(path.relative_to(cache)): path.read_bytes() for path in files}

    def tables(self) -> dict[str, bytes]:
        names = ("cells.csv", "probes.csv", "trends.csv", "summary.json")
        return {name: (self.folder / "reports" / name).read_bytes() for name in names}


def _stages(said: str) -> set[str]:
    """The stages that a command said it runs."""
    return set(re.findall(r"Running stage '(.+?)'", said))


@contextmanager
def chdir(folder: Path) -> Iterator[None]:
    """Work in a folder for a while."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def heard(name: str) -> Iterator[list[str]]:
    """What a logger and those below it say for a while, a line each."""
    lines: list[str] = []
    handler, logger = logging.Handler(), logging.getLogger(name)
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Study:
    """A study that ran to its end, once for all workers; tests work on copies."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "finished"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            study = Study.create(tmp_path_factory.mktemp("study") / "study")
            study.driver(jobs=2)
            study.folder.rename(folder)
    return Study(folder)


@pytest.fixture
def study(finished: Study, tmp_path: Path) -> Study:
    """A copy of the finished study."""
    return finished.copy(tmp_path / "study")
