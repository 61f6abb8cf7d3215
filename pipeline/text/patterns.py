"""Paths as parameters name them: ``~``, and patterns such as ``mydata/*.tsv``.

What exists as it is written is meant as it is written: ``notes [old].tsv`` is a file, and only what
is not there may be a pattern.
"""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

_WILDCARD = re.compile(r"[*?\[]")


def at_home(path: str) -> str:
    """The path with a leading ``~`` spelt out."""
    return os.path.expanduser(path)


def matches(path: str) -> list[Path]:
    """The files that a path or pattern names, sorted."""
    there, rest = _split(path)
    return sorted(map(Path, glob.glob(glob.escape(there) + rest)))


def pattern_folder(path: str) -> str | None:
    """The folder that a pattern looks into, ``""`` for the present one; None for a plain path."""
    there, rest = _split(path)
    wildcard = _WILDCARD.search(rest)
    return (there + rest[: wildcard.start()]).rpartition("/")[0] if wildcard else None


def _split(path: str) -> tuple[str, str]:
    """The longest beginning that exists, in whole names, and the rest."""
    ends = [match.start() for match in re.finditer("/", path)] + [len(path)]
    end = next((end for end in reversed(ends) if os.path.exists(path[:end])), 0)
    return path[:end], path[end:]
