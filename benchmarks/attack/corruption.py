"""What can happen to a file: flipped, cut, emptied, zeroed, another's, or gone."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path


def _flipped(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return (
        content[:place]
        + bytes([content[place] ^ (1 << chance.randrange(8))])
        + content[place + 1 :]
    )


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def _zeroed(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return content[:place] + bytes(len(content) - place)


# What a file of some content becomes.
CORRUPTIONS: Mapping[str, Callable[[bytes, random.Random], bytes]] = {
    "a bit flipped": _flipped,
    "truncated": _cut,
    "empty": lambda content, chance: b"",
    "NULs": _zeroed,
}
DELETED, SWAPPED = "deleted", "another's"
WAYS = (*CORRUPTIONS, SWAPPED, DELETED)


def corrupt(paths: list[Path], way: str, chance: random.Random, root: Path) -> bool:
    """Do this to a file, under all its names; return whether it is another one now.

    Its date and mode stay, as with a bit that flips: so DVC, which looks at them, sees nothing.

    Args:
        paths: the file, and whatever else has the same content, such as DVC's copy of it.
        way: one of `WAYS`.
        chance: decides where.
        root: the study, among whose files of the same name another's is looked for.
    """
    before = paths[0].read_bytes()
    after = _after(paths[0], before, way, chance, root)
    if after == before:
        return False
    for path in paths:
        known = path.stat()
        path.unlink()
        if after is not None:
            path.write_bytes(after)
            path.chmod(known.st_mode)
            os.utime(path, ns=(known.st_atime_ns, known.st_mtime_ns))
    return True


def _after(path: Path, content: bytes, way: str, chance: random.Random, root: Path) -> bytes | None:
    if way == DELETED:
        return None
    if way == SWAPPED:
        alike = [*root.rglob(path.name), *path.parent.glob(f"*{path.suffix}")]
        others = sorted({other for other in alike if other.is_file() and other != path})
        return chance.choice(others).read_bytes() if others else content
    return CORRUPTIONS[way](content, chance) if content else content
