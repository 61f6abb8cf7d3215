"""A task from any source, normalised to one schema, tokenised, and described by a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.common.artifacts import atomic_directory, sha256, write_json
from pipeline.common.seeds import numpy_generator
from pipeline.errors import UserError
from pipeline.tasks.data import SPLITS
from pipeline.tasks.metrics import majority
from pipeline.text.sources import RowSource
from pipeline.tokens.tokenizer import bulk_encoder, open_tokenizer, spaced, tokenizer_hash

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_HIDDEN = "-1"  # GLUE's test rows
_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Columns:
    """The names of the source's columns; ``text_b: null`` for tasks over single texts."""

    text_a: str
    text_b: str | None
    label: str = "label"


@dataclass(frozen=True)
class TaskDataConfig:
    """A task: where its rows are and what they mean.

    The sources of a split are joined. ``labels`` lists the label names in the order of their ids;
    ``raw_labels`` maps the source's own values to those names where they differ. ``train_rows`` and
    ``eval_rows`` cut a split to a seeded sample; ``replace`` maps pieces of text to others.
    """

    train: tuple[RowSource, ...]
    eval: tuple[RowSource, ...]
    columns: Columns
    labels: tuple[str, ...]
    raw_labels: dict[str, str] | None = None
    max_length: int = 512
    train_rows: int | None = None
    eval_rows: int | None = None
    replace: dict[str, str] | None = None
    f1: bool = False

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):
            raise ValueError(
                f"labels are {list(self.labels)}, but must be at least two, all different"
            )
        unknown = set((self.raw_labels or {}).values()) - set(self.labels)
        if unknown:
            raise ValueError(f"raw_labels map to {sorted(unknown)}, which labels does not list")
        if _HIDDEN in (self.raw_labels or {}):
            raise ValueError(f"raw_labels map {_HIDDEN!r}, which marks rows without a known label")
        if self.f1 and len(self.labels) != 2:
            raise ValueError("f1 is for tasks with two labels")
        for key, least in (("train_rows", 1), ("eval_rows", 1), ("max_length", 8)):
            value = getattr(self, key)
            if value is not None and value < least:
                raise ValueError(f"{key} is {value}, but must be at least {least}")

    def label_ids(self) -> dict[str, int]:
        """Raw label → id. Without ``raw_labels`` the source may hold names or ids from 0."""
        ids = {name: index for index, name in enumerate(self.labels)}
        if self.raw_labels is not None:
            return {raw: ids[name] for raw, name in self.raw_labels.items()}
        return {**{str(index): index for index in ids.values()}, **ids}


def prepare_task(
    name: str,
    config: TaskDataConfig,
    tokenizer_dir: Path,
    seed: int,
    directory: Path,
    *,
    leading_space: bool = True,
) -> dict[str, Any]:
    """Write ``train.parquet``, ``eval.parquet`` and ``manifest.json``; return the manifest.

    With ``leading_space`` texts are tokenised as they look inside running text; without it as they
    are, which is what published models are fine-tuned with.

    Raises:
        UserError: a column is missing, a label unknown, a split empty, or of one class only.
    """
    rows = {split: _rows(name, split, config, seed) for split in SPLITS}
    tokenizer = open_tokenizer(tokenizer_dir)
    encoding = _Encoding(
        bulk_encoder(tokenizer),
        config.max_length,
        leading_space,
        "token_type_ids" in tokenizer.model_input_names,
    )
    manifest: dict[str, Any] = {
        "task": name,
        "labels": list(config.labels),
        "f1": config.f1,
        "max_length": config.max_length,
        "pad_id": tokenizer.pad_token_id,
        "tokenizer_sha256": tokenizer_hash(tokenizer_dir),
        "majority": majority(np.asarray(rows["eval"].labels)),
        "overlap": len(rows["train"].texts() & rows["eval"].texts()),
    }
    with atomic_directory(directory) as folder:
        for split in SPLITS:
            encoded = encoding.encode(rows[split])
            _write(folder / f"{split}.parquet", rows[split], encoded)
            manifest[split] = _describe(rows[split], encoded, config)
        manifest["files"] = {
            f"{split}.parquet": sha256(folder / f"{split}.parquet") for split in SPLITS
        }
        write_json(folder / "manifest.json", manifest)
    return manifest


@dataclass(frozen=True)
class _Rows:
    text_a: list[str]
    text_b: list[str | None]
    labels: list[int]
    tags: list[str | None]

    def texts(self) -> set[tuple[str, str | None]]:
        """The distinct inputs, to count those that stand in both splits."""
        return set(zip(self.text_a, self.text_b, strict=True))


def _rows(name: str, split: str, config: TaskDataConfig, seed: int) -> _Rows:
    """Read a split's sources into the one schema."""
    columns, ids, rows = config.columns, config.label_ids(), _Rows([], [], [], [])
    for source in getattr(config, split):
        for number, row in enumerate(source.rows(seed), start=1):
            where = f"task {name}, {split}, {source.describe()}, row {number}"
            rows.text_a.append(_text(row, columns.text_a, where, config.replace))
            rows.text_b.append(
                _text(row, columns.text_b, where, config.replace) if columns.text_b else None
            )
            rows.labels.append(_label(row, columns.label, where, ids))
            rows.tags.append(source.tag or row.get("round"))
    if not rows.labels:
        raise UserError(f"task {name}: the {split} split is empty")
    generator = numpy_generator(seed, "rows", name, split)
    rows = _sample(rows, getattr(config, f"{split}_rows"), generator)
    if len(set(rows.labels)) < 2:
        only = config.labels[rows.labels[0]]
        raise UserError(f"task {name}: every row of the {split} split has the label {only!r}")
    return rows


def _sample(rows: _Rows, count: int | None, generator: np.random.Generator) -> _Rows:
    total = len(rows.labels)
    if count is None or count >= total:
        return rows
    chosen = np.sort(generator.choice(total, count, replace=False))
    lists = (rows.text_a, rows.text_b, rows.labels, rows.tags)
    return _Rows(*([values[index] for index in chosen] for values in lists))


def _value(row: Mapping[str, Any], column: str, where: str) -> Any:
    if column not in row:
        raise UserError(f"{where}: no column {column!r}; there are {', '.join(map(repr, row))}")
    return row[column]


def _label(row: Mapping[str, Any], column: str, where: str, ids: Mapping[str, int]) -> int:
    raw = str(_value(row, column, where))
    if raw not in ids:
        hint = " (a hidden test label: choose another split)" if raw == _HIDDEN else ""
        raise UserError(
            f"{where}: label {raw!r} is outside the map{hint}; it knows {', '.join(map(repr, ids))}"
        )
    return ids[raw]


def _text(
    row: Mapping[str, Any], column: str, where: str, changes: Mapping[str, str] | None
) -> str:
    value = _value(row, column, where)
    if not isinstance(value, str):
        raise UserError(f"{where}: column {column!r} holds {value!r}, not text")
    for old, new in (changes or {}).items():
        value = value.replace(old, new)
    return value


@dataclass(frozen=True)
class _Encoded:
    """Token ids a row, with special tokens; their segments where any is not 0; rows cut."""

    ids: list[np.ndarray]
    types: list[np.ndarray] | None
    truncated: int


@dataclass(frozen=True)
class _Encoding:
    """How texts become token ids."""

    encoder: Tokenizer
    max_length: int
    leading_space: bool
    segments: bool

    def encode(self, rows: _Rows) -> _Encoded:
        """Encode a split; of rows that are too long the longer text is cut first."""
        change = spaced if self.leading_space else str
        texts = [
            change(first) if second is None else (change(first), change(second))
            for first, second in zip(rows.text_a, rows.text_b, strict=True)
        ]
        ids: list[np.ndarray] = []
        types: list[np.ndarray] = []
        truncated = 0
        for start in range(0, len(texts), _BATCH_ROWS):
            batch = texts[start : start + _BATCH_ROWS]
            # The uncut lengths are wanted too, and only then is it known which rows need cutting.
            whole = self.encoder.encode_batch_fast(batch)
            long = [index for index, row in enumerate(whole) if len(row) > self.max_length]
            self.encoder.enable_truncation(self.max_length)
            shorter = self.encoder.encode_batch_fast([batch[index] for index in long])
            for index, row in zip(long, shorter, strict=True):
                whole[index] = row
            self.encoder.no_truncation()
            ids += [np.asarray(row.ids, dtype=np.int32) for row in whole]
            types += [np.asarray(row.type_ids, dtype=np.int8) for row in whole]
            truncated += len(long)
        used = self.segments and any(row.any() for row in types)
        return _Encoded(ids, types if used else None, truncated)


def _write(path: Path, rows: _Rows, encoded: _Encoded) -> None:
    import pyarrow
    import pyarrow.parquet

    columns = {
        "text_a": pyarrow.array(rows.text_a, pyarrow.string()),
        "text_b": pyarrow.array(rows.text_b, pyarrow.string()),
        "label": pyarrow.array(rows.labels, pyarrow.int64()),
        "tag": pyarrow.array(rows.tags, pyarrow.string()),
        "input_ids": pyarrow.array(encoded.ids, pyarrow.list_(pyarrow.int32())),
    }
    if encoded.types is not None:
        columns["type_ids"] = pyarrow.array(encoded.types, pyarrow.list_(pyarrow.int8()))
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def _describe(rows: _Rows, encoded: _Encoded, config: TaskDataConfig) -> dict[str, Any]:
    counts = Counter(rows.labels)
    return {
        "rows": len(encoded.ids),
        "labels": {label: counts[index] for index, label in enumerate(config.labels)},
        "tags": dict(sorted(Counter(tag for tag in rows.tags if tag).items())),
        "tokens": sum(map(len, encoded.ids)),
        "truncated": encoded.truncated,
    }
