"""A task from the corpus itself: which of several text files does a paragraph come from?

    python -m examples.paragraphs mydata/subject mydata/corpus/textbooks/*.txt.gz

writes train.jsonl and eval.jsonl with the columns ``text`` and ``label`` into the folder, and
prints the labels, the names of the files. Whole documents are held out, the second of every ten of
a file, so that no evaluation paragraph has its neighbours in training. Paragraphs under twenty
words say too little and are left out; long ones are cut by the task's ``max_length``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.common.artifacts import write_jsonl
from pipeline.errors import UserError
from pipeline.text.files import FilesConfig, read_documents

SPLITS = ("train", "eval")
_FEWEST_WORDS = 20


def label(path: Path) -> str:
    """What the paragraphs of a file are labelled with: ``history`` for history.txt.gz."""
    return path.name.partition(".")[0]


def rows(path: Path, split: str) -> Iterator[dict[str, str]]:
    """The labelled paragraphs of a file that belong to a split."""
    for number, document in enumerate(read_documents(FilesConfig((str(path),)), "text")):
        if (number % 10 == 1) == (split == "eval"):
            for line in document:
                if len(line.split()) >= _FEWEST_WORDS:
                    yield {"text": line, "label": label(path)}


def main(out: Path, files: Sequence[Path]) -> str:
    """Write both splits; return the labels as params.yaml has them.

    Raises:
        UserError: a file cannot be read, gives a split nothing, or has another one's name.
    """
    for split in SPLITS:
        parts = {label(path): list(rows(path, split)) for path in sorted(files)}
        if len(parts) < len(files) or not all(parts.values()):
            raise UserError(f"{out}: name each file once, each with two documents or more")
        out.mkdir(parents=True, exist_ok=True)
        write_jsonl(out / f"{split}.jsonl", [row for part in parts.values() for row in part])
    return f"labels: [{', '.join(parts)}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    chosen = parser.parse_args()
    print(main(chosen.out, chosen.files))
