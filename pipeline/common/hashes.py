"""Hashes of files that are not ours: what tells whether one changed in place."""

from __future__ import annotations

from pathlib import Path

from pipeline.common.artifacts import sha256, write_json
from pipeline.common.links import check_links
from pipeline.errors import UserError


def write_hashes(place: Path, out: Path) -> None:
    """Write the hash of a file, or of each file of a folder, to ``out``.

    Raises:
        UserError: there is no such file or folder, or a link in it leads out of it.
    """
    if not place.exists():
        raise UserError(f"{place}, which params.yaml names under files, is missing")
    if place.is_dir():
        check_links(place)
    inside = [place] if place.is_file() else sorted(filter(Path.is_file, place.rglob("*")))
    hashes = {str(path): sha256(path) for path in inside}
    write_json(out, {"path": str(place), "sha256": hashes})
