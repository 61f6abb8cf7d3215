"""A task from any source, normalised to one schema, tokenised, and described by a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.common.artifacts import Json, atomic_directory, sha256
from pipeline.common.sealed import write_sealed
from pipeline.common.seeds import numpy_generator
from pipeline.errors import UserError
from pipeline.tasks.config import TaskDataConfig
from pipeline.tasks.data import SPLITS
from pipeline.tokens.tokenizer import bulk_encoder, open_tokenizer, spaced, tokenizer_hash

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_BATCH_ROWS = 10_000


def prepare_task(
    name: str,
    config: TaskDataConfig,
    tokenizer_dir: Path,
    seed: int,
    directory: Path,
    *,
    leading_space: bool = True,
) -> Json:
    """Write ``train.parquet``, ``eval.parquet`` and ``manifest.json``; return the manifest.

    With ``leading_space`` texts are tokenised as they look inside running text; without it as they
    are, which is what published models are fine-tuned with.

    Raises:
        UserError: a column is missing, a target none of the kind's, a split empty, or of one target
            only.
    """
    rows = {split: _rows(name, split, config, seed) for split in SPLITS}
    kind = config.task_kind()
    targets = {split: np.asarray(rows[split].targets, kind.dtype) for split in SPLITS}
    tokenizer = open_tokenizer(tokenizer_dir)
    encoding = _Encoding(
        bulk_encoder(tokenizer),
        config.max_length,
        leading_space,
        "token_type_ids" in tokenizer.model_input_names,
    )
    manifest: Json = {
        "task": name,
        "kind": kind.name,
        "labels": list(kind.labels),
        "metric": kind.metric,
        "max_length": config.max_length,
        "pad_id": tokenizer.pad_token_id,
        "tokenizer_sha256": tokenizer_hash(tokenizer_dir),
        "chance": kind.chance(targets["eval"]),
        "overlap": len(rows["train"].texts() & rows["eval"].texts()),
    }
    with atomic_directory(directory) as folder:
        for split in SPLITS:
            encoded = encoding.encode(rows[split])
            _write(folder / f"{split}.parquet", rows[split], targets[split], encoded)
            summary = kind.summary(targets[split])
            manifest[split] = {"labels": summary, **_describe(rows[split], encoded)}
        manifest["files"] = {
            f"{split}.parquet": sha256(folder / f"{split}.parquet") for split in SPLITS
        }
        write_sealed(folder / "manifest.json", manifest)
    return manifest


@dataclass(frozen=True)
class _Rows:
    text_a: list[str]
    text_b: list[str | None]
    targets: list[float]
    tags: list[str | None]

    def texts(self) -> set[tuple[str, str | None]]:
        """The distinct inputs, to count those that stand in both splits."""
        return set(zip(self.text_a, self.text_b, strict=True))


def _rows(name: str, split: str, config: TaskDataConfig, seed: int) -> _Rows:
    """Read a split's sources into the one schema."""
    columns, kind, rows = config.columns, config.task_kind(), _Rows([], [], [], [])
    read = kind.reader(config.raw_labels)
    for source in getattr(config, split):
        for number, row in enumerate(source.rows(seed), start=1):
            where = f"task {name}, {split}, {source.describe()}, row {number}"
            rows.text_a.append(_text(row, columns.text_a, where, config.replace))
            rows.text_b.append(
                _text(row, columns.text_b, where, config.replace) if columns.text_b else None
            )
            rows.targets.append(_target(row, columns.label, where, read))
            rows.tags.append(source.tag or row.get("round"))
    if not rows.targets:
        raise UserError(f"task {name}: the {split} split is empty")
    generator = numpy_generator(seed, "rows", name, split)
    rows = _sample(rows, getattr(config, f"{split}_rows"), generator)
    if len(set(rows.targets)) < 2:
        only = kind.show(rows.targets[0])
        raise UserError(f"task {name}: every row of the {split} split has the {only}")
    return rows


def _sample(rows: _Rows, count: int | None, generator: np.random.Generator) -> _Rows:
    total = len(rows.targets)
    if count is None or count >= total:
        return rows
    chosen = np.sort(generator.choice(total, count, replace=False))
    lists = (rows.text_a, rows.text_b, rows.targets, rows.tags)
    return _Rows(*([values[index] for index in chosen] for values in lists))


def _value(row: Mapping[str, Any], column: str, where: str) -> Any:
    if column not in row:
        raise UserError(f"{where}: no column {column!r}; there are {', '.join(map(repr, row))}")
    return row[column]


def _target(row: Mapping[str, Any], column: str, where: str, read: Callable[[str], float]) -> float:
    try:
        return read(str(_value(row, column, where)))
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None


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


def _write(path: Path, rows: _Rows, targets: np.ndarray, encoded: _Encoded) -> None:
    import pyarrow
    import pyarrow.parquet

    columns = {
        "text_a": pyarrow.array(rows.text_a, pyarrow.string()),
        "text_b": pyarrow.array(rows.text_b, pyarrow.string()),
        "label": pyarrow.array(targets),
        "tag": pyarrow.array(rows.tags, pyarrow.string()),
        "input_ids": pyarrow.array(encoded.ids, pyarrow.list_(pyarrow.int32())),
    }
    if encoded.types is not None:
        columns["type_ids"] = pyarrow.array(encoded.types, pyarrow.list_(pyarrow.int8()))
    pyarrow.parquet.write_table(pyarrow.table(columns), path)


def _describe(rows: _Rows, encoded: _Encoded) -> Json:
    return {
        "rows": len(encoded.ids),
        "tags": dict(sorted(Counter(tag for tag in rows.tags if tag).items())),
        "tokens": sum(map(len, encoded.ids)),
        "truncated": encoded.truncated,
    }
