"""A task from any source, normalised to one schema, tokenised, and described by a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pipeline.common.artifacts import Json, atomic_directory, sha256
from pipeline.common.sealed import write_sealed
from pipeline.errors import UserError
from pipeline.tasks.config import TaskDataConfig
from pipeline.tasks.data import SPLITS
from pipeline.tasks.encoding import Encoded, Encoding
from pipeline.tasks.notes import notes_of, notes_of_length
from pipeline.tasks.rows import Rows, read_splits, shared_rows
from pipeline.tokens.tokenizer import (
    bulk_encoder,
    has_leading_space,
    open_tokenizer,
    tokenizer_hash,
)


def prepare_task(
    name: str,
    config: TaskDataConfig,
    tokenizer_dir: Path,
    seed: int,
    directory: Path,
) -> Json:
    """Write ``train.parquet``, ``eval.parquet`` and ``manifest.json``; return the manifest.

    Texts are tokenised as the tokenizer's folder says (`has_leading_space`).

    Raises:
        UserError: a column is missing, a target none of the kind's, a split empty, without one of
            the labels or of one target only, or not apart from the other where it is to be.
    """
    kind, rows = config.task_kind(), read_splits(name, config, seed)
    targets = {split: np.asarray(rows[split].targets, kind.dtype) for split in SPLITS}
    _check_targets(name, config, targets)
    tokenizer = open_tokenizer(tokenizer_dir)
    encoding = Encoding(
        bulk_encoder(tokenizer),
        config.max_length,
        has_leading_space(tokenizer_dir),
        "token_type_ids" in tokenizer.model_input_names,
    )
    encoded = {split: encoding.encode(rows[split]) for split in SPLITS}
    manifest: Json = {
        "task": name,
        "kind": kind.name,
        "labels": list(kind.labels),
        "metric": kind.metric,
        "max_length": config.max_length,
        "pad_id": tokenizer.pad_token_id,
        "tokenizer_sha256": tokenizer_hash(tokenizer_dir),
        "chance": kind.chance(targets["eval"]),
        "overlap": len({*rows["train"].inputs()} & {*rows["eval"].inputs()}),
        "overlap_rows": len(shared_rows(rows["train"], rows["eval"])),
        "notes": [*notes_of(kind, rows, targets), *notes_of_length(encoded, config.max_length)],
    }
    with atomic_directory(directory) as folder:
        for split in SPLITS:
            _write(folder / f"{split}.parquet", rows[split], targets[split], encoded[split])
            summary = kind.summary(targets[split])
            manifest[split] = {"labels": summary, **_describe(rows[split], encoded[split])}
        manifest["files"] = {
            f"{split}.parquet": sha256(folder / f"{split}.parquet") for split in SPLITS
        }
        write_sealed(folder / "manifest.json", manifest)
    return manifest


def _check_targets(name: str, config: TaskDataConfig, targets: Mapping[str, np.ndarray]) -> None:
    for split, own in targets.items():
        if lack := config.task_kind().lacking(own):
            count = getattr(config, f"{split}_rows")
            cut = f" ({split}_rows cuts it to {count})" if len(own) == count else ""
            raise UserError(f"task {name}: {lack[0]} of the {split} split{cut} {lack[1]}")


def _write(path: Path, rows: Rows, targets: np.ndarray, encoded: Encoded) -> None:
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


def _describe(rows: Rows, encoded: Encoded) -> Json:
    return {
        "rows": len(encoded.ids),
        "tags": dict(sorted(Counter(tag for tag in rows.tags if tag).items())),
        "tokens": sum(map(len, encoded.ids)),
        "truncated": encoded.truncated,
        "dropped": dict(sorted(rows.dropped.items())),
    }
