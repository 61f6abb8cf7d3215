"""Machines that are full, and files in the way: by the real system where that can be had."""

from __future__ import annotations

import errno
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet
import pytest
import torch
from matplotlib.figure import Figure
from safetensors.torch import save_file
from tokenizers import Tokenizer, models

from pipeline.backends.fairseq.checkpoint import Checkpoint, first_training
from pipeline.common.artifacts import Journal, atomic_directory, atomic_file, write_json
from pipeline.errors import UserError
from pipeline.running.sentences import sentence
from pipeline.text.corpus import _Writer
from tests.running.conftest import Disk

MUCH = 1 << 18


def in_a_file(write: Callable[[Path], object]) -> Callable[[Path], None]:
    def written(folder: Path) -> None:
        with atomic_file(folder / "out") as temporary:
            write(temporary)

    return written


def in_a_folder(write: Callable[[Path], object]) -> Callable[[Path], None]:
    def written(folder: Path) -> None:
        with atomic_directory(folder / "out") as temporary:
            write(temporary)

    return written


def shard(folder: Path) -> None:
    writer = _Writer(folder, "train", "uint16", MUCH)
    writer.add(([MUCH], [list(range(1 << 15)) * (MUCH >> 15)]))


def words(path: Path) -> None:
    Tokenizer(models.WordLevel({str(number): number for number in range(20_000)}, "0")).save(
        str(path)
    )


def table(path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.table({"a": np.random.default_rng(0).random(MUCH)}), path)


def figure(path: Path) -> None:
    made = Figure(dpi=300)
    made.add_subplot().imshow(np.random.default_rng(0).random((300, 300)))
    made.savefig(path, format="png")


WRITERS: dict[str, Callable[[Path], object]] = {
    "JSON": lambda folder: write_json(folder / "out", "x" * MUCH),
    "journal": lambda folder: Journal(folder / "out").append({"a": "x" * MUCH}),
    "shards": in_a_folder(shard),
    "tokenizer": in_a_file(words),
    "Parquet": in_a_file(table),
    "safetensors": in_a_file(lambda path: save_file({"a": torch.zeros(MUCH)}, path)),
    "fairseq": lambda folder: Checkpoint({}, {"a": torch.zeros(MUCH)}, 0, first_training(0)).save(
        folder / "out"
    ),
    "CSV": in_a_file(lambda path: pd.DataFrame({"a": ["x" * 100] * 5000}).to_csv(path)),
    "figure": in_a_file(figure),
}


@contextmanager
def small_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused(folder: Path, write: Callable[[Path], object]) -> str:
    """The sentence; nothing is left of what was half written."""
    with pytest.raises(Exception) as caught:
        write(folder)
    said = sentence(caught.value)
    assert said is not None, repr(caught.value)
    assert "\n" not in said and ".partial" not in said
    assert all(path.stat().st_size == 0 for path in folder.rglob("*"))
    return said


@pytest.mark.parametrize("what", WRITERS)
def test_a_writer_that_has_no_room_says_so_and_leaves_nothing(tmp_path: Path, what: str) -> None:
    with small_files():
        assert "may not get so large here: raise the limit (ulimit -f)" in refused(
            tmp_path, WRITERS[what]
        )
    WRITERS[what](tmp_path)
    assert (tmp_path / "out").exists()


@pytest.mark.parametrize("what", WRITERS)
def test_a_full_disk_is_a_sentence_and_leaves_nothing(disk: Disk, what: str) -> None:
    assert refused(disk.folder, WRITERS[what]).startswith("the disk is full while writing")
    disk.remount("size=64m")
    WRITERS[what](disk.folder)
    disk.remount("ro")
    for writer in (WRITERS["JSON"], in_a_folder(shard)):
        with pytest.raises(OSError, match="Read-only") as caught:
            writer(disk.folder)
        assert "lies on a read-only file system" in str(sentence(caught.value))


def test_what_is_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder/inside").mkdir(parents=True)
    for inside in ("file/a.json", "file/deep/a.json"):
        with pytest.raises(OSError) as caught:
            write_json(tmp_path / inside, 1)
        said = f"{tmp_path / 'file'} is a file where a folder belongs: move it away"
        assert str(sentence(caught.value)).startswith(said)
    with pytest.raises(OSError) as caught, atomic_directory(tmp_path / "file"):
        pass
    assert str(sentence(caught.value)).startswith(said)
    with pytest.raises(OSError) as caught:
        write_json(tmp_path / "folder", 1)
    said = f"{tmp_path / 'folder'} is a folder where a file belongs"
    assert str(sentence(caught.value)).startswith(said)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder", "inside"]


def test_a_name_that_is_too_long_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OSError) as caught:
        write_json(tmp_path / ("x" * 256), 1)
    assert f"the name {'x' * 256} is too long" in str(sentence(caught.value))
    assert list(tmp_path.iterdir()) == []


def allocate_in_numpy() -> object:
    return np.empty(1 << 50)


def allocate_in_torch() -> object:
    return torch.empty(1 << 50)


@pytest.mark.parametrize("allocate", [allocate_in_numpy, allocate_in_torch])
def test_without_memory_it_is_said_what_to_lower(allocate: Callable[[], object]) -> None:
    with pytest.raises(Exception) as caught:
        allocate()
    said = sentence(caught.value)
    assert said is not None and said.startswith("memory ran out (") and "\n" not in said
    assert "lower --jobs, pretrain.recipe.micro_batch or finetune.batch" in said


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("a sentence"), "a sentence"),
        (
            OSError(errno.EDQUOT, "x", "a"),
            "your share of the disk is used up while writing a: free",
        ),
        (OSError(errno.EACCES, "x", b"a"), "a may not be read or written: change who may"),
        (OSError(errno.EPERM, "x"), "a file may not be read or written"),
        (OSError(errno.EIO, "x", "a"), "the disk fails at a (input/output error)"),
        (OSError(errno.EMFILE, "x"), "too many files are open: raise the limit (ulimit -n)"),
        (OSError(errno.ENFILE, "x"), "too many files are open on this machine"),
        (OSError(errno.ENOMEM, "x"), "memory ran out ([Errno 12] x)"),
        (RuntimeError("can't start new thread"), "memory ran out (can't start new thread)"),
        (MemoryError(), "memory ran out (nothing was left to allocate)"),
    ],
)
def test_each_kind_has_its_sentence(error: Exception, said: str) -> None:
    assert str(sentence(error)).startswith(said)


def test_what_an_error_came_from_is_asked_too() -> None:
    with pytest.raises(ValueError) as caught:
        try:
            raise OSError(errno.ENOSPC, "x", "a")
        except OSError as error:
            raise ValueError("of some library") from error
    assert str(sentence(caught.value)).startswith("the disk is full while writing a")


@pytest.mark.parametrize(
    "bug",
    [
        KeyError("a"),
        FileNotFoundError(errno.ENOENT, "x", "a"),
        FileExistsError(errno.EEXIST, "x", "/"),
    ],
)
def test_a_bug_is_none(bug: Exception) -> None:
    assert sentence(bug) is None
