"""The pretraining corpus as token shards that are mapped into memory, never loaded.

A shard is three files: token ids back to back without special tokens, the token length of each
sentence, and the number of sentences of each document. Packing needs nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from pipeline.common.artifacts import Json, sha256
from pipeline.common.checked import Index, Name
from pipeline.common.config import parse_known
from pipeline.common.sealed import damaged, read_sealed

Part = Literal["train", "valid"]


PARTS: tuple[Part, ...] = ("train", "valid")


SHARD_FILES = ("tokens.bin", "sentences.npy", "documents.npy")


@dataclass(frozen=True)
class _Entry:
    """What opening a shard needs of its entry in the manifest: sizes and hashes of its files."""

    name: Name
    part: Part
    bytes: tuple[Index, Index, Index]
    sha256: tuple[Name, Name, Name]

    def __post_init__(self) -> None:
        if Path(self.name).name != self.name:
            raise ValueError(f"name is {self.name!r}, which is no file of the folder")


@dataclass(frozen=True)
class _Manifest:
    dtype: Literal["uint16", "uint32"]
    shards: tuple[_Entry, ...]


@dataclass(frozen=True)
class Shard:
    """One opened shard: ``tokens`` (tokens,) mapped, ``sentences`` and ``documents`` lengths."""

    tokens: np.ndarray
    sentences: np.ndarray
    documents: np.ndarray


@dataclass(frozen=True)
class Corpus:
    """A part of the corpus, opened and checked."""

    manifest: Json
    shards: tuple[Shard, ...]

    @staticmethod
    def open(directory: Path, part: Part = "train", verify: bool = True) -> Corpus:
        """Map the shards of a part; without ``verify`` sizes are compared but no hashes.

        Raises:
            UserError: a file is missing, truncated, or does not match its hash.
        """
        path = directory / "manifest.json"
        manifest = read_sealed(path)
        parse_known(_Manifest, manifest, f"{path}: content")
        shards = tuple(
            _open_shard(directory, entry, manifest["dtype"], verify)
            for entry in manifest["shards"]
            if entry["part"] == part
        )
        return Corpus(manifest, shards)


def _open_shard(directory: Path, entry: Json, dtype: str, verify: bool) -> Shard:
    paths = [directory / f"{entry['name']}.{suffix}" for suffix in SHARD_FILES]
    for path, size, digest in zip(paths, entry["bytes"], entry["sha256"], strict=True):
        whole = path.exists() and path.stat().st_size == size
        if not whole or (verify and sha256(path) != digest):
            raise damaged(path)
    tokens = np.memmap(paths[0], dtype=dtype, mode="r")
    return Shard(tokens, np.load(paths[1]), np.load(paths[2]))
