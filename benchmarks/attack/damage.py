"""Damage to each kind of file that a finished study leaves, and who believes it.

A file is changed in the workspace and in DVC's cache alike, its date kept. Then the stages that
depend on it run, without DVC, or the driver does where DVC itself is the reader.
"""

from __future__ import annotations

import hashlib
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.attack import forked
from benchmarks.attack.corruption import WAYS, corrupt
from benchmarks.attack.forked import Ended

# What a study leaves, by who reads it: stages, stages that go on from it, or DVC.
_OUTPUTS = {
    "checkpoint": "checkpoints/*/model/*",
    "training state": "checkpoints/*/state/*",
    "tokenizer": "data/tokenizer/*",
    "corpus": "data/corpus/*",
    "task": "data/tasks/*/*/*",
    "full fine-tuning": "results/baseline/*/*/*",
    "search": "results/search/*/*/*",
    "certificate": "results/bound/*/*/*",
    "machine": "results/machine/*/*.json",
    "settings": "data/settings/**/*.json",
    "CSV table": "reports/*.csv",
    "summary": "reports/summary.json",
    "Parquet table": "reports/parquet/*",
    "workbook": "reports/study.xlsx",
}
_SCRATCH = {
    "journal": ".scratch/*/**/*.jsonl",
    "kept vector": ".scratch/*/**/*.safetensors",
    "mark of a finished search": ".scratch/search/*/finished.json",
}
_DVC = {
    "object of DVC's cache": ".dvc/cache/files/md5/*/*",
    "run cache": ".dvc/cache/runs/*/*/*",
    "dvc.lock": "dvc.lock",
    "graph.yaml": "graph.yaml",
    "DVC's list of who uses what": ".dvc/tmp/rwlock",
}
KINDS = {**_OUTPUTS, **_SCRATCH, **_DVC}
# What is compared with the untouched study: all that it gives, wall times left aside.
_GIVEN = ("checkpoints", "data", "reports", "results")
# Of the stages that depend on a file, how many are asked.
_ASKED = 3
_ENDS = ("healed", "refused", "named", "unread", "BELIEVED", "TRACEBACK")


@dataclass
class Found:
    """What the damage did: how each damaged file of a kind ended, and what must not be."""

    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether no damaged file was believed, and all that was said were sentences."""
        return not self.wrong

    def table(self) -> list[str]:
        """How files of each kind ended, as Markdown."""
        lines = [f"| damaged | {' | '.join(_ENDS)} |", "|---|" + "---|" * len(_ENDS)]
        for kind in sorted({kind for kind, _ in self.ends}):
            lines.append(f"| {kind} | {' | '.join(str(self.ends[kind, end]) for end in _ENDS)} |")
        lines.append(f"\n{self.ends.total()} damaged files, {len(self.wrong)} not as they should")
        return lines + [f"wrong: {line}" for line in self.wrong]


@dataclass(frozen=True)
class Damaged:
    """A study with a damaged file."""

    folder: Path
    whole: Path
    path: Path
    copies: list[Path]

    def others(self) -> list[str]:
        """What else than the damaged file is not as in the untouched study."""
        mine, theirs, own = given(self.folder), given(self.whole), str(self.path)
        names = sorted({*mine, *theirs} - {own})
        return [name for name in names if mine.get(name) != theirs.get(name)]

    def whole_again(self) -> bool:
        """Whether the damaged file is what it was."""
        path, was = self.folder / self.path, self.whole / self.path
        return path.is_file() and path.read_bytes() == was.read_bytes()


def attack(whole: Path, folder: Path, count: int, seed: int, say: Callable[[str], object]) -> Found:
    """Damage ``count`` files of a finished study, one at a time.

    Args:
        whole: the finished study, which stays as it is.
        folder: where its copies go.
        count: damaged files in all; fewer where there are no more.
        seed: decides which and how.
        say: told how each ended.
    """
    forked.load()
    readers, chance, found = _readers(whole), random.Random(seed), Found()
    for kind, path, way in _chosen(whole, chance):
        if found.ends.total() == count:
            break
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder, symlinks=True)
        damaged = Damaged(folder, whole, path, _copies(folder, folder / path))
        if not corrupt(damaged.copies, way, chance, folder):
            continue
        end, why = _end_of(damaged, kind, readers, chance)
        found.ends[kind, end] += 1
        if end.isupper():
            found.wrong.append(f"{path}, {way}: {end}: {why}")
        say(f"{found.ends.total()} {path}, {way}: {end} ({why})")
    return found


def given(folder: Path) -> dict[str, str]:
    """The hash of each file that a study gives, by its path in the study."""
    files = [path for name in _GIVEN for path in sorted((folder / name).rglob("*"))]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and "timing" not in path.parts
    }


def _chosen(whole: Path, chance: random.Random) -> Iterator[tuple[str, Path, str]]:
    """Files and what happens to them, every kind in turn until nothing is left."""
    left = {}
    for kind, pattern in KINDS.items():
        paths = [path.relative_to(whole) for path in whole.glob(pattern) if path.is_file()]
        every = [(kind, path, way) for path in sorted(paths) for way in WAYS]
        left[kind] = chance.sample(every, len(every))
    while any(left.values()):
        yield from [every.pop() for every in left.values() if every]


def _copies(folder: Path, path: Path) -> list[Path]:
    """The file, and DVC's copy of it."""
    cache = folder / ".dvc/cache/files/md5"
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    own = cache / md5[:2] / md5[2:]
    return [path, own] if own.exists() and own != path else [path]


def _readers(whole: Path) -> dict[str, list[str]]:
    """For each path that a stage depends on, the stages that do."""
    from dvc.repo import Repo

    found: dict[str, list[str]] = {}
    with Repo(str(whole)) as repo:
        for stage in repo.index.stages:
            for dep in stage.deps:
                name = str(Path(dep.fs_path).relative_to(whole))
                found.setdefault(name, []).append(stage.name)
    return found


def _end_of(
    damaged: Damaged, kind: str, readers: dict[str, list[str]], chance: random.Random
) -> tuple[str, str]:
    if kind in _DVC:
        return _by_driver(damaged, kind)
    if kind in _SCRATCH:
        return _by_owner(damaged)
    above = map(str, (damaged.path, *damaged.path.parents))
    asking = sorted({item for name in above for item in readers.get(name, [])})
    asked = chance.sample(asking, min(_ASKED, len(asking)))
    ends = [_judged(damaged, _stage(damaged.folder, item)) for item in asked]
    worst = max(ends, key=lambda end: _ENDS.index(end[0]), default=("unread", "nobody reads it"))
    if worst[0].isupper() or len(damaged.copies) == 1:
        return worst
    return _by_healing(damaged, worst)


def _judged(damaged: Damaged, ended: Ended) -> tuple[str, str]:
    last = (ended.said.strip() or "nothing").splitlines()[-1]
    if ended.torn:
        return "TRACEBACK", f"status {ended.status}, {last}"
    if ended.refused:
        return "refused", last
    if others := damaged.others():
        return "BELIEVED", f"{', '.join(others[:3])} differ"
    return ("healed", "") if damaged.whole_again() else ("unread", "what was made is the same")


def _stage(folder: Path, item: str) -> Ended:
    return forked.command(folder, f"stages.{item.partition('@')[0]}", item=item)


def _by_owner(damaged: Damaged) -> tuple[str, str]:
    """Work in progress is read by its own stage, if that has not ended yet."""
    _, stage, *names = damaged.path.parts[:-1]
    (damaged.folder / damaged.path).with_name("finished.json").unlink(missing_ok=True)
    end, why = _judged(damaged, _stage(damaged.folder, f"{stage}@{'-'.join(names)}"))
    return ("healed", "made anew") if end == "unread" else (end, why)


def _by_driver(damaged: Damaged, kind: str) -> tuple[str, str]:
    """DVC needs it where the workspace lost what it stands for."""
    folder = damaged.folder
    if kind == "run cache":
        (folder / "dvc.lock").unlink()
    if kind == "object of DVC's cache":
        for name, _ in given(folder).items():
            if _md5_name(damaged.whole / name) == damaged.path.parts[-2:]:
                (folder / name).unlink()
    end, why = _judged(damaged, forked.command(folder, "pipeline", "repro", "--plain"))
    if end == "unread" and (folder / damaged.path).exists():
        return "healed", "every output is what it was"
    return end, why


def _md5_name(path: Path) -> tuple[str, ...]:
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return (md5[:2], md5[2:])


def _by_healing(damaged: Damaged, so_far: tuple[str, str]) -> tuple[str, str]:
    """What DVC keeps is found by the command that looks at every byte."""
    ended = forked.command(damaged.folder, "pipeline", "heal")
    gone = not (damaged.folder / damaged.path).exists()
    if ended.torn or not gone:
        return "BELIEVED", f"pipeline heal leaves it: {ended.said.strip()[-200:]}"
    return ("named", "by pipeline heal") if so_far[0] == "unread" else so_far
