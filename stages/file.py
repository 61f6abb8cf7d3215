"""Stages ``file@KEY``: the hash of a file that params.yaml names under ``files``."""

from __future__ import annotations

from pathlib import Path

from pipeline import paths
from pipeline.common.hashes import write_hashes
from pipeline.study.local_files import local_files
from stages import entry


def main() -> None:
    (key,) = entry.arguments("key")
    place, owner = next(
        (place, owner) for name, place, owner in local_files(entry.params()) if name == key
    )
    write_hashes(Path(place), paths.watched(owner) / f"{key}.json")


if __name__ == "__main__":
    entry.run(main)
