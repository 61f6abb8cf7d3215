"""How many rows tasks have and how long these are, as far as it is known without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pipeline.common.artifacts import Json
from pipeline.tasks.config import TaskDataConfig
from pipeline.text.sources import RowSource


class _HubSplit(NamedTuple):
    """A split on the hub: its rows, and their mean length in tokens."""

    rows: int
    length: float


_GLUE, _YELP, _ANLI = "nyu-mll/glue", "fancyzhx/yelp_polarity", "facebook/anli"
# The splits of the paper's tasks by (id, name, split), method §4. Lengths are counted with
# RoBERTa's vocabulary and special tokens, both texts of a pair together, cut at 512 tokens: on the
# whole split where nothing else is said.
_HUB = {
    (_GLUE, "mrpc", "train"): _HubSplit(3_668, 53.8),
    (_GLUE, "mrpc", "validation"): _HubSplit(408, 54.0),
    # 9,917 and 5,000 rows, half of them duplicates; weighted to the 37 % that the split has.
    (_GLUE, "qqp", "train"): _HubSplit(363_846, 30.8),
    (_GLUE, "qqp", "validation"): _HubSplit(40_430, 30.8),
    # Training rows are phrases.
    (_GLUE, "sst2", "train"): _HubSplit(67_349, 14.1),
    (_GLUE, "sst2", "validation"): _HubSplit(872, 25.9),
    # 8,324 rows without their full stops (38.7), which are 1.8 tokens a row in the other split.
    (_GLUE, "mnli", "train"): _HubSplit(392_702, 40.5),
    (_GLUE, "mnli", "validation_matched"): _HubSplit(9_815, 39.8),
    # 3,967 rows that were labelled as the split's are, and 2,024 of the test split.
    (_YELP, None, "train"): _HubSplit(560_000, 159.0),
    (_YELP, None, "test"): _HubSplit(38_000, 159.3),
    # About 250 training rows of each round.
    (_ANLI, None, "train_r1"): _HubSplit(16_946, 92.6),
    (_ANLI, None, "train_r2"): _HubSplit(45_460, 93.0),
    (_ANLI, None, "train_r3"): _HubSplit(100_459, 82.0),
    (_ANLI, None, "dev_r1"): _HubSplit(1_000, 94.3),
    (_ANLI, None, "dev_r2"): _HubSplit(1_000, 92.3),
    (_ANLI, None, "dev_r3"): _HubSplit(1_200, 86.7),
}
# Where neither the parameters nor the table above tell: said to be a guess in the output.
GUESSED_ROWS = {"train": 10_000, "eval": 1_000}


@dataclass(frozen=True)
class SplitSize:
    """A split's rows and their mean length in tokens, and whether each is known or guessed."""

    rows: int
    length: float
    rows_known: bool
    length_known: bool

    @property
    def tokens(self) -> float:
        """The tokens of all rows."""
        return self.rows * self.length


@dataclass(frozen=True)
class TaskSize:
    """A task's two splits."""

    train: SplitSize
    eval: SplitSize

    @property
    def splits(self) -> tuple[SplitSize, SplitSize]:
        """Both."""
        return self.train, self.eval


def task_size(config: TaskDataConfig, prepared: Json | None = None) -> TaskSize:
    """The sizes of a task's splits.

    Args:
        config: where the rows are.
        prepared: the manifest of the task where it has been prepared; what it counted is preferred
            where it can be of this very task.
    """
    counted = prepared if prepared is not None and _is_of(prepared, config) else None
    return TaskSize(_split("train", config, counted), _split("eval", config, counted))


def _is_of(manifest: Json, config: TaskDataConfig) -> bool:
    """Whether a manifest can be of a task: another one of the same name may have been prepared."""
    same = manifest["max_length"] == config.max_length and manifest["labels"] == [*config.labels]
    rows = {split: _known_rows(split, config) for split in GUESSED_ROWS}
    return same and all(manifest[split]["rows"] == row for split, row in rows.items() if row)


def _split(split: str, config: TaskDataConfig, counted: Json | None) -> SplitSize:
    if counted is not None:
        rows = counted[split]["rows"]
        return SplitSize(rows, counted[split]["tokens"] / rows, True, True)
    known, cap = _known_rows(split, config), getattr(config, f"{split}_rows")
    length = _known_length(getattr(config, split) or config.train)
    return SplitSize(
        rows=known or cap or GUESSED_ROWS[split],
        length=config.max_length / 2 if length is None else min(length, config.max_length),
        # A cap is nearly always below what there is.
        rows_known=known is not None or cap is not None,
        length_known=length is not None,
    )


def _known_rows(split: str, config: TaskDataConfig) -> int | None:
    """Rows of a split's sources together, at most its cap; None where some may be left out."""
    if config.split is not None or config.drop or config.overlap == "drop":
        return None
    rows = [_rows(source) for source in getattr(config, split)]
    cap: int | None = getattr(config, f"{split}_rows")
    if None in rows:
        return None
    total = sum(row for row in rows if row is not None)
    return min(total, cap) if cap else total


def _rows(source: RowSource) -> int | None:
    if source.synthetic is not None:
        return source.synthetic.rows
    found = _of_hub(source)
    return None if found is None else found.rows


def _known_length(sources: Sequence[RowSource]) -> float | None:
    """Mean length over all rows of the sources."""
    found = [_of_hub(source) for source in sources]
    if None in found:
        return None
    splits = [split for split in found if split is not None]
    return sum(split.rows * split.length for split in splits) / sum(split.rows for split in splits)


def _of_hub(source: RowSource) -> _HubSplit | None:
    hub = source.hub
    return None if hub is None else _HUB.get((hub.id, hub.name, hub.split))
