"""``dvc repro -f`` means anew: what a stage finished, and is asked for again, is not reused."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.common.code import source_hash
from pipeline.common.sealed import read_sealed, write_sealed
from pipeline.errors import UserError

_LOG = logging.getLogger(__name__)


@contextmanager
def resumable(scratch: Path, result: Path, *work: object) -> Iterator[None]:
    """Go on in the block from what lies in ``scratch``, unless just this was finished before.

    DVC tells no stage that it is forced. But it runs none whose result is in its cache, unless
    forced: so a stage whose own finished work lies there is, and one that was killed, or whose
    result was damaged or thrown away, finds its journal.

    Args:
        scratch: the folder of the item's journal and vectors.
        result: the file that tells one result from another.
        work: all that decides the result, code apart: values whose ``repr`` tells them apart.
    """
    marker = scratch / "finished.json"
    doing = hashlib.sha256(repr((source_hash(), *work)).encode()).hexdigest()
    if _finished(marker, doing):
        _LOG.info("made before, and asked for again: nothing of it is reused")
        shutil.rmtree(scratch)
    yield
    md5 = hashlib.md5(result.read_bytes(), usedforsecurity=False).hexdigest()
    write_sealed(marker, {"work": doing, "result": md5})


def _finished(marker: Path, doing: str) -> bool:
    """Whether this work was finished and DVC could bring its result back."""
    try:
        known = read_sealed(marker)
    except UserError:
        return False
    return known["work"] == doing and _in_cache(known["result"])


def _in_cache(md5: str) -> bool:
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            return bool(repo.cache.local.exists(md5))
    except NotDvcRepoError:
        return False
