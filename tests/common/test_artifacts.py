from __future__ import annotations

import errno
import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from pipeline.common import artifacts
from pipeline.common.artifacts import Journal, atomic_directory, atomic_file, read_json, write_json
from pipeline.errors import UserError


def test_a_failed_file_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_file(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_failed_directory_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with atomic_directory(target) as folder:
        (folder / "x").write_text("old")
    with pytest.raises(RuntimeError), atomic_directory(target) as folder:
        (folder / "x").write_text("half")
        raise RuntimeError
    assert (target / "x").read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_behind_is_cleared(tmp_path: Path) -> None:
    killed = subprocess.Popen(["true"])
    killed.wait()
    left = tmp_path / f".out.{killed.pid}-1-0.partial"
    left.mkdir()
    (left / "stale").write_text("stale")
    with atomic_directory(tmp_path / "out") as folder:
        (folder / "x").write_text("new")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x"]
    assert not left.exists()


def test_two_processes_may_write_the_same_file(tmp_path: Path) -> None:
    """Each its own half, and the last one is there."""
    with atomic_file(tmp_path / "a") as first:
        first.write_text("first")
        with atomic_file(tmp_path / "a") as second:
            second.write_text("second")
        assert (tmp_path / "a").read_text() == "second"
    assert (tmp_path / "a").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whenever it is killed, each file of the old folder is there, or none."""
    seen = []

    def replace(source: Path, target: Path) -> None:
        seen.append(sorted(path.name for path in (tmp_path / "out").glob("*")))
        rename(source, target)

    rename = os.replace
    for names in (("a", "b"), ("c",)):
        with atomic_directory(tmp_path / "out") as folder:
            for name in names:
                (folder / name).touch()
        monkeypatch.setattr(os, "replace", replace)
    assert seen == [["a", "b"], []]
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "c"]


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127])
def test_a_name_may_be_as_long_as_the_file_system_has_them(tmp_path: Path, name: str) -> None:
    write_json(tmp_path / name, 1)
    assert read_json(tmp_path / name) == 1


def test_a_full_disk_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(artifacts, "_sync", full)
    with pytest.raises(OSError, match="No space"):
        write_json(tmp_path / "result.json", {"a": 1})
    assert list(tmp_path.iterdir()) == []


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("content", "message"), [(None, "is missing"), ("{", "not valid JSON")])
def test_unreadable_json_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError, match=f"a.json.*{message}"):
        read_json(path)


def test_journal_survives_a_torn_line(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "journal.jsonl")
    assert journal.read() == []
    journal.append({"a": 1})
    with open(journal.path, "a") as stream:
        stream.write('{"a": 2')
    assert journal.read() == [{"a": 1}]
    journal.append({"a": 3})
    assert journal.read() == [{"a": 1}, {"a": 3}]
    lines = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert [
        {**row, "sha256": line["sha256"]} for row, line in zip(journal.read(), lines, strict=True)
    ] == lines


DAMAGES = {
    "altered": (lambda text: text.replace(b"0.25", b"0.75"), 2, "altered since it was written"),
    "without its hash": (lambda text: text + b'{"a": 4}\n', 4, "no line of a journal"),
    "no object": (lambda text: text + b"3\n", 4, "no line of a journal"),
    "of another file": (lambda text: text + b"\xff\n", 4, "no line of a journal"),
    "nested": (lambda text: text + b"[" * 100_000 + b"\n", 4, "no line of a journal"),
    "empty": (lambda text: text.replace(b"\n", b"\n\n", 1), 2, "no line of a journal"),
    "after a power cut": (lambda text: text + bytes(4096), 4, "full of NULs, as after a power cut"),
    "NULs before a later line": (
        lambda text: text[:-9] + bytes(8) + b"\n", 3, "full of NULs, as after a power cut"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_line_of_a_journal_is_refused_and_healed_as_told(
    tmp_path: Path, damage: str
) -> None:
    change, number, reason = DAMAGES[damage]
    journal = Journal(tmp_path / "journal.jsonl")
    rows = [{"a": 1}, {"a": 0.25, "b": ["ä"]}, {"a": 3}]
    for row in rows:
        journal.append(row)
    assert journal.read() == rows
    journal.path.write_bytes(change(journal.path.read_bytes()))
    with pytest.raises(UserError, match=f"journal.jsonl: line {number} is {reason}") as caught:
        journal.read()
    healed = re.search(r"\((sed .*)\)", str(caught.value))
    assert healed is not None
    subprocess.run(healed[1].split(), check=True)
    assert [row for row in rows if row in journal.read()] == journal.read()
    assert len(journal.read()) >= 2


def test_fingerprint_is_canonical() -> None:
    assert artifacts.fingerprint({"a": 1, "b": 2}) == artifacts.fingerprint({"b": 2, "a": 1})
    assert artifacts.fingerprint({"a": 1}) != artifacts.fingerprint({"a": 1.5})
