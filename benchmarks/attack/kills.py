"""Kills at any moment: what a study leaves in the end, and who lives on.

A tiny study is run by ``python -m pipeline repro`` or ``dvc repro``, and after a while some of its
processes are killed, one shortly after another; then again, until it is done. What it has left then
is compared with what one uninterrupted ``dvc repro`` leaves: tables, figures, page, dvc.lock and
every file of DVC's cache.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.attack.tiny import TinyStudy, tiny_params
from benchmarks.attack.victims import kill, processes, victims

_DRIVER = ("python", "-m", "pipeline", "repro", "--jobs", "2")
_DVC = ("dvc", "repro")
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# Seconds: from one kill to the end of all that was the victim's; for a command to end by itself.
_ORPHANED, _PATIENCE = 5.0, 600.0
# Studies that are run side by side, and how many kills an undisturbed run's time has on average.
_SIDES, _OFTEN = 2, 12
# After a kill, whether another process of the same command is killed; within how many seconds.
_ANOTHER, _SHORTLY = 0.4, 0.5


@dataclass
class Found:
    """What the kills did.

    Attributes:
        kills: how many of each part by each signal.
        studies: how many were brought to their end.
        orphans: processes that lived on for five seconds after the command that they belonged to.
        others: what a study has left that is not what an uninterrupted one leaves.
        tracebacks: what commands said, where that was more than sentences, and our code's.
        of_others: tracebacks of DVC or Python alone: a signal while they load or end.
        left: unfinished files that are still there at the end of a study.
    """

    kills: Counter[tuple[str, str]] = field(default_factory=Counter)
    studies: int = 0
    orphans: int = 0
    others: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    of_others: int = 0
    left: int = 0

    @property
    def held(self) -> bool:
        """Whether all studies end the same, nothing lives on, and all is said in sentences."""
        return not (self.orphans or self.others or self.tracebacks)

    def add(self, other: Found) -> None:
        """Count what others saw as well."""
        self.kills += other.kills
        self.studies += other.studies
        self.orphans += other.orphans
        self.others += other.others
        self.tracebacks += other.tracebacks
        self.of_others += other.of_others
        self.left += other.left

    def table(self) -> list[str]:
        """The kills by part and signal, and what came of them, as Markdown."""
        names = [one.name for one in _SIGNALS]
        lines = [f"| killed | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
        for part in sorted({part for part, _ in self.kills}):
            counts = " | ".join(str(self.kills[part, name]) for name in names)
            lines.append(f"| {part} | {counts} |")
        lines.append(
            f"\n{self.kills.total()} kills over {self.studies} studies: {len(self.others)} files "
            f"differ, {self.orphans} orphans after {_ORPHANED:g} s, "
            f"{len(self.tracebacks)} tracebacks ({self.of_others} of DVC or Python alone), "
            f"{self.left} unfinished files left"
        )
        return [*lines, *self.tracebacks, *(f"differs: {name}" for name in self.others)]


def attack(folder: Path, count: int, seed: int, say: Callable[[str], object]) -> Found:
    """Kill ``count`` times, over as many studies as that takes.

    Args:
        folder: an empty one to work in.
        count: kills in all.
        seed: decides whom, when and how, as far as the machine lets it.
        say: told how far it is.
    """
    fresh = TinyStudy.create(folder / "fresh", tiny_params(["polarity_short"]))
    whole = TinyStudy(folder / "whole")
    shutil.copytree(fresh.folder, whole.folder, symlinks=True)
    began = time.monotonic()
    if whole.start(*_DVC).wait():
        raise RuntimeError(f"an uninterrupted run fails: {whole.said()}")
    lasts, expected = time.monotonic() - began, whole.left()

    def one_side(side: int) -> Found:
        found, chance = Found(), random.Random(f"{seed}-{side}")
        while found.kills.total() < -(-count // _SIDES):
            study = TinyStudy(folder / f"study{side}-{found.studies}")
            shutil.copytree(fresh.folder, study.folder, symlinks=True)
            _to_its_end(study, lasts, -(-count // _SIDES), chance, found)
            _compare(study, expected, found)
            say(f"{found.kills.total()} kills, {found.studies} studies, {len(found.others)} differ")
            shutil.rmtree(study.folder)
        return found

    every = Found()
    with ThreadPoolExecutor(_SIDES) as sides:
        for found in sides.map(one_side, range(_SIDES)):
            every.add(found)
    return every


def _to_its_end(
    study: TinyStudy, lasts: float, count: int, chance: random.Random, found: Found
) -> None:
    """Run and kill until the study is done; the last run of all is the driver's, undisturbed."""
    while found.kills.total() < count:
        command = study.start(*chance.choice((_DRIVER, _DVC)))
        # Often early, where libraries are loaded, and now and then near the end.
        if _ended(command, chance.expovariate(_OFTEN / lasts)):
            break
        if not _killed(study, command, chance, found):
            break
    else:
        command = study.start(*_DRIVER)
    command.wait(_PATIENCE)
    # Nothing is left to do: it only brings dvc.lock into its order.
    last = study.start(*_DRIVER)
    if last.wait(_PATIENCE):
        found.others.append(f"does not end: {study.said()}")
    found.studies += 1


def _killed(
    study: TinyStudy, command: subprocess.Popen[str], chance: random.Random, found: Found
) -> bool:
    """Kill processes of the command's, and see all of them end; False where none was there."""
    if not _kill_one(study, command, chance, found):
        return False
    while chance.random() < _ANOTHER and not _ended(command, chance.uniform(0, _SHORTLY)):
        _kill_one(study, command, chance, found)
    # DVC waits for a stage that it was not asked to end; so does a driver for its other stages.
    if not _ended(command, _PATIENCE):
        found.others.append(f"{study.folder.name}: hangs: {study.said()[-2000:]}")
    until = time.monotonic() + _ORPHANED
    while (alive := processes(study.folder)) and time.monotonic() < until:
        time.sleep(0.1)
    found.orphans += len(alive)
    for pid in alive:
        kill(pid, signal.SIGKILL)
    if "Traceback" in study.said():
        if of_ours(study.said(), study.folder):
            found.tracebacks.append(study.said()[-2000:])
        else:
            found.of_others += 1
    return True


def of_ours(said: str, folder: Path) -> bool:
    """Whether a traceback has a line of the study's own code, which decides what is said there.

    Plain ``dvc`` that is interrupted while it loads, or Python before it has loaded what it needs
    itself, says what it likes.
    """
    return any(f'File "{folder}/{name}/' in said for name in ("pipeline", "stages"))


def _kill_one(
    study: TinyStudy, command: subprocess.Popen[str], chance: random.Random, found: Found
) -> bool:
    victim = chance.choice(victims(study.folder, command.pid))
    how = chance.choice(_SIGNALS)
    if there := kill(victim.pid, how):
        found.kills[victim.part, how.name] += 1
    return there


def _ended(command: subprocess.Popen[str], seconds: float) -> bool:
    try:
        command.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _compare(study: TinyStudy, expected: dict[str, str], found: Found) -> None:
    left = study.left()
    names = sorted(name for name in left | expected if left.get(name) != expected.get(name))
    found.others += [f"{study.folder.name}: {name}" for name in names]
    unfinished = (study.folder.rglob("*.partial"), (study.folder / ".dvc/cache").rglob("*.tmp"))
    found.left += sum(1 for paths in unfinished for _ in paths)
