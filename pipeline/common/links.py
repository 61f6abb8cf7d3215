"""Folders of others: a link in one of them leads to no file outside of it."""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import UserError


def check_inside(path: Path, root: Path) -> None:
    """Check that ``path``, its links followed, lies in the folder ``root``; it need not exist.

    Raises:
        UserError: it leads out, or in a circle.
    """
    try:
        inside = path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):
        inside = False
    if not inside:
        raise UserError(
            f"{path} leads out of {root}, which is all that is read: put a copy in its place, or "
            "name the folder that holds the file"
        )


def check_links(folder: Path, root: Path | None = None) -> None:
    """Check that no link below ``folder`` leads out of ``root`` (``folder`` itself without it).

    Raises:
        UserError: one does; nothing that it leads to has been read.
    """
    check_inside(folder, root or folder)
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            check_inside(path, root or folder)
