"""``python -m pipeline heal``: outputs that are not what DVC took in, found and removed.

DVC believes an object of its cache that is read-only, and an output whose date and size are as they
were. Where both are one file, damage is in both, and ``dvc repro``, forced or not, brings it back.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dvc.repo import Repo

from pipeline.workers.refusals import one_sentence

_FOLDER = ".dir"
_CHUNK = 1 << 20


def heal() -> list[Path]:
    """Remove each damaged file of the study's outputs, in the workspace and in DVC's cache.

    Every byte that ``dvc.lock`` lists is read. What is removed comes back by ``dvc pull`` or by
    running its stage; a file that only the cache has damaged is left in the workspace.

    Returns:
        What was removed.

    Raises:
        UserError: DVC cannot read the study's graph.
    """
    with one_sentence(), Repo(_wait_for_lock=True) as repo, repo.lock:
        return heal_outs(repo, repo.index.outs)


def heal_outs(repo: Any, outs: Iterable[Any]) -> list[Path]:
    """Remove, and return, each damaged file of these outputs of a repository that is locked."""
    cache = Path(repo.cache.local.path)
    known = [out for out in outs if out.use_cache and out.hash_info]
    return [path for out in known for path in _heal(out, cache)]


@dataclass(frozen=True)
class _Kept:
    """A file as DVC keeps it: its MD5, and where it lies in the workspace and in the cache."""

    md5: str
    place: Path
    object: Path

    def remove_damaged(self) -> Iterator[Path]:
        """Remove, and return, those of the two that hold something else."""
        for path in (self.object, self.place):
            if path.is_file() and _md5(path) != self.md5:
                path.unlink()
                yield path


def _heal(out: Any, cache: Path) -> Iterator[Path]:
    value, place = out.hash_info.value, Path(out.fs_path)
    listing = _object(cache, value)
    if not value.endswith(_FOLDER):
        yield from _Kept(value, place, listing).remove_damaged()
    elif listing.exists():
        # The list of a folder is its object: without it none of the hashes is known.
        if _md5(listing) != value.removesuffix(_FOLDER):
            listing.unlink()
            yield listing
            return
        for file in json.loads(listing.read_text(encoding="utf-8")):
            kept = _Kept(file["md5"], place / file["relpath"], _object(cache, file["md5"]))
            yield from kept.remove_damaged()


def _object(cache: Path, value: str) -> Path:
    return cache / value[:2] / value[2:]


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
