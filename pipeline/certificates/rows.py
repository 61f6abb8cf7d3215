"""The training rows that a bound may count: each once."""

from __future__ import annotations

import numpy as np

from pipeline.tasks import Split


def distinct(split: Split) -> np.ndarray:
    """The first row of each text, in order (m,): a repeated row is no further evidence."""
    seen: dict[bytes, int] = {}
    for row, ids in enumerate(split.input_ids):
        types = b"" if split.type_ids is None else split.type_ids[row].tobytes()
        seen.setdefault(ids.tobytes() + types, row)
    return np.array(list(seen.values()))


def majority(labels: np.ndarray) -> int:
    """The commonest answer; of equally common ones the smallest."""
    return int(np.bincount(labels).argmax())
