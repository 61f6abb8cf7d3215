"""Stage ``near@CHECKPOINT``: what the neighbouring checkpoint's searches found, a file a task.

A search starts from its file. It is a stage of its own so that a search depends on its neighbour's
answer alone: a file whose bytes stay as they were makes nothing stale.
"""

from __future__ import annotations

import argparse

from pipeline import paths
from pipeline.common.artifacts import atomic_directory, read_json, write_json
from pipeline.study import params
from stages import entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint")
    parser.add_argument("source", help="said/NEIGHBOUR, or baseline/CHECKPOINT for none")
    chosen = parser.parse_args()
    stage, _, neighbour = chosen.source.partition("/")
    with atomic_directory(paths.near(chosen.checkpoint)) as folder:
        for task in params.load().tasks:
            said = paths.cell("said", neighbour, task) / "answer.json" if stage == "said" else None
            found = None if said is None else read_json(said)
            write_json(folder / f"{task}.json", found)


if __name__ == "__main__":
    entry.run(main)
