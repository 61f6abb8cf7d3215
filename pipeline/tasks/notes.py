"""What a task's rows have that limits what results on them mean, said and not refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from pipeline.tasks.encoding import Encoded
from pipeline.tasks.kinds import TaskKind
from pipeline.tasks.rows import Rows, shared_rows

_CALLED = {"train": "training", "eval": "evaluation"}
# Of a split's rows: where fewer are cut, a result hardly depends on it.
_CUT = 0.1


def notes_of(
    kind: TaskKind, rows: Mapping[str, Rows], targets: Mapping[str, np.ndarray]
) -> list[str]:
    """Sentences without a full stop: rows in both splits or left out, scale, scarcity, no text.

    Args:
        kind: the task's kind.
        rows: each split.
        targets: the targets (rows,) of each split.
    """
    shared = len(shared_rows(rows["train"], rows["eval"]))
    count = len(rows["eval"])
    found = [f"{shared} of {count} evaluation rows are in training too"] if shared else []
    if off_scale := kind.off_scale(targets["train"]):
        found.append(off_scale)
    for split, own in rows.items():
        found += _of_split(kind, _CALLED[split], own, targets[split])
    return found


def notes_of_length(encoded: Mapping[str, Encoded], max_length: int) -> list[str]:
    """A sentence for each split of which a tenth of the rows or more is cut.

    Args:
        encoded: each split as tokens.
        max_length: the most tokens that a row may have.
    """
    return [
        f"{rows.truncated} of {len(rows.ids)} {_CALLED[split]} rows are cut, being longer than "
        f"max_length ({max_length} tokens)"
        for split, rows in encoded.items()
        if rows.truncated >= _CUT * len(rows.ids)
    ]


def _of_split(kind: TaskKind, split: str, rows: Rows, targets: np.ndarray) -> Iterator[str]:
    for reason, count in sorted(rows.dropped.items()):
        if count:
            yield f"{count} {split} rows were left out ({reason})"
    for words in kind.scarce(targets):
        yield f"{split}: {words}"
    empty = sum(not text.strip() for text in rows.text_a)
    if empty:
        yield f"{empty} {split} rows have an empty text"
