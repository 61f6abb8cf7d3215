from __future__ import annotations

import errno
import json
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
    left = tmp_path / ".out.partial"
    left.mkdir()
    (left / "stale").write_text("stale")
    with atomic_directory(tmp_path / "out") as folder:
        (folder / "x").write_text("new")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x"]
    assert not left.exists()


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
    assert [json.loads(line) for line in journal.path.read_text().splitlines()] == journal.read()


def test_fingerprint_is_canonical() -> None:
    assert artifacts.fingerprint({"a": 1, "b": 2}) == artifacts.fingerprint({"b": 2, "a": 1})
    assert artifacts.fingerprint({"a": 1}) != artifacts.fingerprint({"a": 1.5})
