"""A task from the corpus itself: which of several texts does a paragraph come from?

    python -m examples.paragraphs mydata/field mydata/corpus/textbooks/*.txt.gz
    python -m examples.paragraphs mydata/kind mydata/corpus/novels mydata/corpus/textbooks

writes train.jsonl and eval.jsonl with the columns ``text`` and ``label`` into the first folder, and
prints the labels: the names of the files, or of the folders with files. Whole documents are held
out, the second of every ten, so that no evaluation paragraph has its neighbours in training.
Paragraphs under twenty words say too little; the task's ``max_length`` cuts long ones.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.common.artifacts import atomic_file
from pipeline.errors import UserError
from pipeline.text.files import FilesConfig, read_documents

SPLITS = ("train", "eval")
_FEWEST_WORDS = 20


def label(place: Path) -> str:
    """What the paragraphs of a place are labelled with: ``history`` for history.txt.gz."""
    return place.name.partition(".")[0]


def rows(place: Path, split: str) -> Iterator[dict[str, str]]:
    """The labelled paragraphs of a file, or of a folder's files, that belong to a split."""
    files = FilesConfig(tuple(map(str, sorted(place.iterdir()) if place.is_dir() else [place])))
    for number, document in enumerate(read_documents(files, "text")):
        if (number % 10 == 1) == (split == "eval"):
            for line in document:
                if len(line.split()) >= _FEWEST_WORDS:
                    yield {"text": line, "label": label(place)}


def main(out: Path, places: Sequence[Path]) -> str:
    """Write both splits; return the labels, or raise UserError where a split lacks one."""
    for split in SPLITS:
        parts = {label(place): list(rows(place, split)) for place in sorted(places)}
        if len(parts) < len(places) or not all(parts.values()):
            raise UserError(f"{out}: name each text once, each with two documents or more")
        out.mkdir(parents=True, exist_ok=True)
        lines = (json.dumps(row, ensure_ascii=False) for part in parts.values() for row in part)
        with atomic_file(out / f"{split}.jsonl") as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return f"labels: [{', '.join(parts)}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("places", type=Path, nargs="+")
    print(main(**vars(parser.parse_args())))
