"""The user's own files, each watched by a stage, so that one changed in place is noticed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline import paths
from pipeline.errors import UserError
from pipeline.study.params import Params
from pipeline.text.patterns import at_home, pattern_folder
from pipeline.text.sources import RowSource, TextSource

# What stages write: nothing in there is the user's own.
_OURS = ("data", "checkpoints", "results", "reports")


def local_files(params: Params) -> Iterator[tuple[str, str, str]]:
    """Yield the key, the path and the owner (``corpus`` or ``tasks/NAME``) of each watched place.

    A place is a file that ``files.paths`` names, or for a pattern the folder that it looks into: a
    file that is new there is noticed too.
    """
    for owner, sources in _owners(params):
        named = [path for source in sources for path in _named(source)]
        for number, place in enumerate(dict.fromkeys(map(_place, named))):
            yield f"{owner.replace('/', '-')}-{number}", place, owner


def watched(params: Params, owner: str) -> str | None:
    """The folder that the stages of an owner's files write to; None where it has none."""
    has = any(found == owner for _, _, found in local_files(params))
    return str(paths.watched(owner)) if has else None


def _owners(params: Params) -> Iterator[tuple[str, Sequence[TextSource | RowSource]]]:
    if params.pretrains() and params.corpus is not None:
        yield "corpus", params.corpus.sources
    for name, task in params.tasks.items():
        yield f"tasks/{name}", (*task.data.train, *task.data.eval)


def _named(source: TextSource | RowSource) -> tuple[str, ...]:
    """The paths that a source reads; a data set of the hub may be a local folder as well."""
    if source.files is not None:
        return tuple(map(at_home, source.files.paths))
    # A name too long for a file is no file; a path's own question would raise.
    return (source.hub.id,) if source.hub is not None and os.path.exists(source.hub.id) else ()


def _place(path: str) -> str:
    """The path itself, or the folder before a pattern's first wildcard.

    Raises:
        UserError: a pattern without a folder of its own, which would watch the whole repository.
    """
    folder = pattern_folder(path)
    if folder is None:
        return path
    place = Path(folder or ".").resolve()
    around = Path.cwd().is_relative_to(place)
    inside = any(place.is_relative_to(Path.cwd() / name) for name in _OURS)
    if around or inside:
        raise UserError(
            f"params.yaml: files names the pattern {path!r}: put its files into a folder of their "
            "own, such as mydata/*.tsv"
        )
    return folder
