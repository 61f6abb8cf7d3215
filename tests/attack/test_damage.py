"""The attack itself, on what takes no time; what it finds is in benchmarks/RESULTS.md."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.attack import damage
from benchmarks.attack.corruption import DELETED, SWAPPED, WAYS, corrupt
from benchmarks.attack.damage import Damaged, Found
from benchmarks.attack.forked import Ended, command


@pytest.mark.parametrize("way", WAYS)
def test_a_file_is_another_one_and_its_date_is_not(tmp_path: Path, way: str) -> None:
    paths = [tmp_path / "a/file.json", tmp_path / "copy"]
    for path in (*paths, tmp_path / "b/file.json"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("some of b's" if "b" in path.parts else "all of a's")
    known = [path.stat() for path in paths]
    assert corrupt(paths, way, random.Random(0), tmp_path)
    if way == DELETED:
        assert not any(path.exists() for path in paths)
        return
    assert paths[0].read_bytes() == paths[1].read_bytes() != b"all of a's"
    assert (paths[0].read_text() == "some of b's") == (way == SWAPPED)
    assert [path.stat().st_mtime_ns for path in paths] == [one.st_mtime_ns for one in known]


def study(folder: Path) -> Damaged:
    """One that has a damaged file, and another one that is no longer what it was."""
    for name in ("whole", "damaged"):
        (folder / name / "results").mkdir(parents=True)
        (folder / name / "results/read").write_text(name)
        (folder / name / "results/made").write_text("1")
    path = Path("results/read")
    return Damaged(folder / "damaged", folder / "whole", path, [folder / "damaged" / path])


def test_endings_are_told_apart(tmp_path: Path) -> None:
    damaged = study(tmp_path)

    def end(status: int | None, said: str) -> str:
        return damage._judged(damaged, Ended(status, said))[0]

    assert end(2, "loading\nerror: it is altered") == "refused"
    assert end(2, "usage: stage") == end(1, "error: x") == end(None, "") == "TRACEBACK"
    assert end(2, "Traceback (most recent call last):\nerror: x") == "TRACEBACK"
    assert end(0, "") == "unread"
    (damaged.folder / "results/made").write_text("2")
    assert damage._judged(damaged, Ended(0, "")) == ("BELIEVED", "results/made differ")
    (damaged.folder / "results/made").write_text("1")
    (damaged.folder / "results/read").write_text("whole")
    assert end(0, "") == "healed"


def test_commands_run_in_forks(tmp_path: Path) -> None:
    ended = command(tmp_path, "pipeline", "repro")
    assert ended.refused and "params.yaml is missing" in ended.said
    assert command(tmp_path, "pipeline", "chain", "--stop", "4", "--every", "2").status == 0


def test_what_was_believed_is_told() -> None:
    found = Found()
    found.ends["journal", "refused"] = 2
    assert found.held and found.table()[2] == "| journal | 0 | 2 | 0 | 0 | 0 | 0 |"
    found.wrong.append("it")
    assert not found.held and found.table()[-1] == "wrong: it"
