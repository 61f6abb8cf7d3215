"""A prepared task on disk: two Parquet splits of token ids and targets, and a manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.common.artifacts import Json
from pipeline.common.checked import AnyText, Index, Name
from pipeline.common.config import parse_known
from pipeline.common.sealed import check_files, read_sealed
from pipeline.tasks.kinds import KindName, MetricName, TaskKind, make_kind

SPLITS = ("train", "eval")


@dataclass(frozen=True)
class Split:
    """Token rows and what a model should answer to each.

    Attributes:
        input_ids: token ids with special tokens, an int32 array a row.
        labels: the targets (rows,), ids of labels or numbers, as ``kind`` has them.
        pad_id: the token that fills rows up.
        kind: the task's kind.
        type_ids: which of two texts each token belongs to, for models that are told.
    """

    input_ids: list[np.ndarray]
    labels: np.ndarray
    pad_id: int
    kind: TaskKind
    type_ids: list[np.ndarray] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Split:
        """The rows of these indices, in their order."""
        ids = [self.input_ids[row] for row in rows]
        types = None if self.type_ids is None else [self.type_ids[row] for row in rows]
        return Split(ids, self.labels[rows], self.pad_id, self.kind, types)

    def head(self, rows: int | None) -> Split:
        """The first ``rows`` rows, or all of them."""
        types = None if self.type_ids is None else self.type_ids[:rows]
        return Split(self.input_ids[:rows], self.labels[:rows], self.pad_id, self.kind, types)

    def sample(self, rows: int | None) -> Split:
        """So many rows that stand for all: the first, or in a sorted split every n-th."""
        first = self.head(rows)
        if self.kind.stands_for(first.labels, self.labels):
            return first
        return self.take(np.linspace(0, len(self) - 1, len(first)).round().astype(int))

    def longest(self) -> int:
        """Tokens of the longest row."""
        return max(map(len, self.input_ids))


@dataclass(frozen=True)
class _Manifest:
    """What opening a prepared task needs of its manifest."""

    task: Name
    kind: KindName
    labels: tuple[AnyText, ...]
    metric: MetricName
    pad_id: Index
    files: dict[Name, Name]
    notes: tuple[AnyText, ...] = ()

    def __post_init__(self) -> None:
        make_kind(self.kind, self.labels, self.metric)
        if set(self.files) != {f"{name}.parquet" for name in SPLITS}:
            raise ValueError(f"files must be the hashes of the splits, not of {list(self.files)}")


@dataclass(frozen=True)
class TaskData:
    """A task's manifest and splits, as the task stage wrote them."""

    manifest: Json
    kind: TaskKind
    train: Split
    eval: Split

    def notes(self) -> tuple[str, ...]:
        """What was noticed of the rows that may limit what results mean, a sentence each."""
        return tuple(self.manifest.get("notes", ()))

    @staticmethod
    def open(directory: Path | str) -> TaskData:
        """Read a prepared task, its files checked against the manifest's hashes.

        Raises:
            UserError: a file is missing, truncated or altered.
        """
        folder = Path(directory)
        path = folder / "manifest.json"
        manifest = read_sealed(path)
        parse_known(_Manifest, manifest, f"{path}: content")
        check_files(folder, manifest["files"])
        kind = make_kind(manifest["kind"], manifest["labels"], manifest["metric"])
        pad = manifest["pad_id"]
        train, evaluation = (_read(folder / f"{name}.parquet", kind, pad) for name in SPLITS)
        return TaskData(manifest, kind, train, evaluation)


_READ = ("input_ids", "label", "type_ids")


def _read(path: Path, kind: TaskKind, pad_id: int) -> Split:
    import pyarrow.parquet

    there = pyarrow.parquet.read_schema(path).names
    table = pyarrow.parquet.read_table(path, columns=[key for key in _READ if key in there])
    labels = table.column("label").to_numpy()
    types = _rows(table.column("type_ids")) if "type_ids" in there else None
    return Split(_rows(table.column("input_ids")), labels, pad_id, kind, types)


def _rows(column: Any) -> list[np.ndarray]:
    """The lists of a column as arrays."""
    whole = column.combine_chunks()
    tokens, offsets = whole.values.to_numpy(), whole.offsets.to_numpy()
    return np.split(tokens, offsets[1:-1])
