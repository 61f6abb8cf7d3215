"""Stages ``file@KEY``: the hash of a file that params.yaml names under ``files``."""

from __future__ import annotations

from pathlib import Path

from pipeline import paths
from pipeline.common.hashes import write_hashes
from pipeline.study.graph import graph_item
from stages import entry


def main() -> None:
    key = entry.key()
    item = graph_item(entry.params(), "files", key)
    write_hashes(Path(item["path"]), paths.watched(item["owner"]) / f"{key}.json")


if __name__ == "__main__":
    entry.run(main)
