"""The rows of a task: read from its sources, sorted into splits, left out and sampled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.common.checked import shown
from pipeline.common.config import nearest
from pipeline.common.seeds import numpy_generator
from pipeline.errors import UserError
from pipeline.tasks.config import SplitConfig, TaskDataConfig
from pipeline.tasks.data import SPLITS
from pipeline.text.files import check_text
from pipeline.text.json_rows import Row
from pipeline.text.sources import RowSource
from pipeline.text.tables import Wanted

Input = tuple[str, str | None]
# What is left out of training because evaluation has it, among what `drop` leaves out.
OVERLAP = "in the evaluation split too"


@dataclass(frozen=True)
class Rows:
    """A split: an entry a row in each list, and how many rows were left out, by what they had."""

    text_a: list[str] = field(default_factory=list)
    text_b: list[str | None] = field(default_factory=list)
    targets: list[float] = field(default_factory=list)
    tags: list[str | None] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def __len__(self) -> int:
        return len(self.targets)

    def inputs(self) -> list[Input]:
        """What a model is shown of each row."""
        return list(zip(self.text_a, self.text_b, strict=True))

    def take(self, chosen: Sequence[int] | np.ndarray) -> Rows:
        """The rows of these indices."""
        return Rows(
            [self.text_a[index] for index in chosen],
            [self.text_b[index] for index in chosen],
            [self.targets[index] for index in chosen],
            [self.tags[index] for index in chosen],
            self.dropped,
        )


def read_splits(name: str, config: TaskDataConfig, seed: int) -> dict[str, Rows]:
    """Both splits of a task as it is trained and evaluated on.

    Raises:
        UserError: a source or a row is not what the settings say, a split is empty, or rows stand
            in both splits and ``overlap`` refuses that.
    """
    reading = _Reading(name, config, seed)
    if config.split is None:
        splits = {split: reading.rows(split)[0] for split in SPLITS}
    else:
        splits = _divided(name, config.split, *reading.rows("train"))
    for split, rows in splits.items():
        if not len(rows):
            left = f": all {rows.dropped.total()} rows were dropped" if rows.dropped else ""
            raise UserError(f"task {name}: the {split} split is empty{left}")
    evaluation = _sample(
        splits["eval"], config.eval_rows, numpy_generator(seed, "rows", name, "eval")
    )
    train = splits["train"]
    if config.overlap == "drop":
        train = _without(name, train, evaluation)
    train = _sample(train, config.train_rows, numpy_generator(seed, "rows", name, "train"))
    if config.overlap == "refuse":
        _check_apart(name, train, evaluation)
    return {"train": train, "eval": evaluation}


def shared_rows(train: Rows, evaluation: Rows) -> list[int]:
    """The indices of evaluation rows whose input training has as well."""
    known = set(train.inputs())
    return [index for index, row in enumerate(evaluation.inputs()) if row in known]


@dataclass(frozen=True)
class _Reading:
    """How the sources' rows become a task's."""

    name: str
    config: TaskDataConfig
    seed: int

    def rows(self, split: str) -> tuple[Rows, list[str]]:
        """The rows of a split's sources, and what each says of the split that it belongs to."""
        rows, parts = Rows(), []
        for source in getattr(self.config, split):
            for where, row in self._source(split, source):
                reason = self._reason(row, where)
                if reason is not None:
                    rows.dropped[reason] += 1
                    continue
                self._add(rows, row, source, where)
                parts.append(self._part(row, where))
        return rows, parts

    def _source(self, split: str, source: RowSource) -> Iterator[tuple[str, Row]]:
        place = f"task {self.name}, {split}, {source.describe()}"
        for number, row in enumerate(source.rows(self.seed, self._wanted()), start=1):
            yield f"{place}, row {number}", row

    def _wanted(self) -> Wanted:
        columns, split, read = self.config.columns, self.config.split, self._read
        names = (
            columns.text_a, columns.text_b, columns.label, columns.tag,
            split and split.column, *(self.config.drop or {}),
        )  # fmt: skip

        def is_row(row: Row) -> bool:
            try:
                read(str(row.get(columns.label)))
            except ValueError:
                return False
            return True

        return Wanted(tuple(name for name in names if name), is_row)

    @cached_property
    def _read(self) -> Callable[[str], float]:
        return self.config.task_kind().reader(self.config.raw_labels)

    def _reason(self, row: Row, where: str) -> str | None:
        """Why a row is left out, in words; None where it is not."""
        for column, values in (self.config.drop or {}).items():
            value = _value(row, column, where)
            if _is_missing(value) and None in values:
                return f"no {column}"
            if str(value).strip() in values:
                return f"{column} {str(value).strip()!r}"
        return None

    def _add(self, rows: Rows, row: Row, source: RowSource, where: str) -> None:
        columns = self.config.columns
        rows.text_a.append(self._text(row, columns.text_a, where))
        rows.text_b.append(self._text(row, columns.text_b, where) if columns.text_b else None)
        rows.targets.append(self._target(row, where))
        rows.tags.append(source.tag or self._tag(row, source, where))

    def _text(self, row: Row, column: str, where: str) -> str:
        value = _value(row, column, where)
        if value is None:
            raise UserError(
                f"{where}: column {column!r} holds None, not text: drop: {{{column}: [null]}} "
                "leaves out rows without one"
            )
        check_text(value, column, where)
        for old, new in (self.config.replace or {}).items():
            value = value.replace(old, new)
        return str(value)

    def _target(self, row: Row, where: str) -> float:
        value = _value(row, self.config.columns.label, where)
        if isinstance(value, list | dict):
            raise UserError(
                f"{where}: column {self.config.columns.label!r} holds {shown(value)}, but a row "
                "has one label or number: there is no kind of task for several labels, labels of "
                "tokens or texts to write"
            )
        try:
            return self._read(str(value))
        except ValueError as error:
            raise UserError(f"{where}: {error}") from None

    def _tag(self, row: Row, source: RowSource, where: str) -> str | None:
        column = self.config.columns.tag
        if column is None:
            return source.own_tag(row)
        value = _value(row, column, where)
        if _is_missing(value):
            return None
        check_text(str(value), column, where)
        return str(value).strip()

    def _part(self, row: Row, where: str) -> str:
        """Which split a row says it belongs to; empty where none is asked for that."""
        split = self.config.split
        if split is None or split.column is None:
            return ""
        values, value = split.values or {}, str(_value(row, split.column, where)).strip()
        if value not in values:
            raise UserError(
                f"{where}: split.values says nothing of {split.column} {shown(value)}: "
                f"{nearest(value, list(values))} (drop: {{{split.column}: [{value[:40]}]}} leaves "
                "its rows out)"
            )
        return values[value]


def _value(row: Mapping[str, Any], column: str, where: str) -> Any:
    if column not in row:
        raise UserError(f"{where}: no column {column!r}; there are {', '.join(map(repr, row))}")
    return row[column]


def _is_missing(value: Any) -> bool:
    """Whether a value stands for none: null, NaN, or an empty field of a table."""
    return value is None or value != value or not str(value).strip()


def _divided(name: str, split: SplitConfig, rows: Rows, parts: list[str]) -> dict[str, Rows]:
    """The rows of one source as two splits."""
    if split.eval is not None:
        parts = _drawn(name, split, rows)
    found = {
        which: rows.take([index for index, part in enumerate(parts) if part == which])
        for which in SPLITS
    }
    # What was left out is counted once.
    found["eval"] = Rows(**{**vars(found["eval"]), "dropped": Counter()})
    return found


def _drawn(name: str, split: SplitConfig, rows: Rows) -> list[str]:
    """The split of each row: equal inputs stay together, so that none stands in both."""
    assert split.eval is not None
    numbers: dict[Input, int] = {}
    groups = [numbers.setdefault(row, len(numbers)) for row in rows.inputs()]
    count = max(1, round(split.eval * len(numbers)))
    generator = numpy_generator(split.seed, "split", name)
    chosen = set(generator.permutation(len(numbers))[:count].tolist())
    return ["eval" if group in chosen else "train" for group in groups]


def _sample(rows: Rows, count: int | None, generator: np.random.Generator) -> Rows:
    if count is None or count >= len(rows):
        return rows
    return rows.take(np.sort(generator.choice(len(rows), count, replace=False)))


def _without(name: str, train: Rows, evaluation: Rows) -> Rows:
    """Training without the inputs that evaluation has."""
    known = set(evaluation.inputs())
    kept = [index for index, row in enumerate(train.inputs()) if row not in known]
    if not kept:
        raise UserError(
            f"task {name}: every training row is in the evaluation split too, so that "
            "overlap: drop leaves none"
        )
    train.dropped[OVERLAP] += len(train) - len(kept)
    return train.take(kept)


def _check_apart(name: str, train: Rows, evaluation: Rows) -> None:
    shared = shared_rows(train, evaluation)
    if shared:
        raise UserError(
            f"task {name}: {len(shared)} of {len(evaluation)} evaluation rows are in the training "
            f"split too, such as {shown(evaluation.text_a[shared[0]])}: say overlap: drop to leave "
            "them out of training, or overlap: allow"
        )
