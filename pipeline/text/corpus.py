"""The pretraining corpus as token shards that are mapped into memory, never loaded.

A shard is three files: token ids back to back without special tokens, the token length of each
sentence, and the number of sentences of each document. Packing needs nothing else.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from pipeline.common.artifacts import Json, atomic_directory, sha256
from pipeline.common.checked import Count, Range, Size, check_fields
from pipeline.common.sealed import write_sealed
from pipeline.errors import UserError
from pipeline.text.sentences import split_sentences
from pipeline.text.sources import TextSource
from pipeline.tokens.corpus import PARTS, SHARD_FILES, Part
from pipeline.tokens.tokenizer import bulk_encoder, open_tokenizer, spaced, tokenizer_hash

Encoded = tuple[list[int], list[list[int]]]

_LOG = logging.getLogger(__name__)
_BATCH_CHARACTERS = 4_000_000


@dataclass(frozen=True)
class CorpusConfig:
    """What the model reads: the first ``documents`` documents of the sources, in their order.

    One document in ``held_out_every`` goes to the held-out part, at least one. Sentences over
    ``max_sentence_tokens`` are cut into pieces; a shard is full at ``shard_tokens``.
    """

    sources: tuple[TextSource, ...]
    documents: Count | None = None
    max_sentence_tokens: Size = 510
    held_out_every: Annotated[int, Range(least=2)] = 100
    shard_tokens: Count = 100_000_000

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.sources:
            raise ValueError("sources must name at least one source of text")


def make_corpus(config: CorpusConfig, tokenizer_dir: Path, seed: int, directory: Path) -> None:
    """Tokenise the documents into shards under ``directory``, with ``manifest.json``.

    Raises:
        UserError: the sources hold no text, or too little for a held-out part.
    """
    backend = bulk_encoder(open_tokenizer(tokenizer_dir))
    dtype = "uint16" if backend.get_vocab_size() <= 1 << 16 else "uint32"
    documents = islice(
        (document for source in config.sources for document in source.documents(seed)),
        config.documents,
    )
    with atomic_directory(directory) as folder:
        shards = _write_shards(folder, _encode(documents, backend, config), dtype, config)
        totals = {
            key: sum(shard[key] for shard in shards) for key in ("documents", "sentences", "tokens")
        }
        if totals["documents"] < len(PARTS):
            raise UserError(
                f"corpus.sources give {totals['documents']} documents with text, but at least "
                f"{len(PARTS)} are needed: one to train on, one held out"
            )
        write_sealed(
            folder / "manifest.json",
            {
                "dtype": dtype,
                "vocab_size": backend.get_vocab_size(),
                "tokenizer_sha256": tokenizer_hash(tokenizer_dir),
                "shards": shards,
                **totals,
            },
        )


def _write_shards(
    folder: Path, documents: Iterator[Encoded], dtype: str, config: CorpusConfig
) -> list[Json]:
    """Deal the documents out to the two parts; return the shards' manifest entries."""
    writers = {part: _Writer(folder, part, dtype, config.shard_tokens) for part in PARTS}
    for index, document in enumerate(documents):
        writers["valid" if index % config.held_out_every == 1 else "train"].add(document)
    for writer in writers.values():
        writer.finish()
    return [shard for part in PARTS for shard in writers[part].shards]


def _encode(
    documents: Iterator[list[str]], backend: Any, config: CorpusConfig
) -> Iterator[Encoded]:
    """Yield each document as its sentences' token lengths and ids; empty ones are left out."""
    done = 0
    for batch in _batches(documents):
        flat = [spaced(sentence) for document in batch for sentence in document]
        encoded = iter(backend.encode_batch_fast(flat, add_special_tokens=False))
        for document in batch:
            pieces = [
                piece
                for _ in document
                for piece in _cut(next(encoded).ids, config.max_sentence_tokens)
            ]
            if pieces:
                yield [len(piece) for piece in pieces], pieces
        done += len(batch)
        _LOG.info("%d documents tokenised", done)


def _batches(documents: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Documents as lists of sentences, in batches of bounded size: one may be a whole book."""
    batch: list[list[str]] = []
    size = 0
    for document in documents:
        batch.append([sentence for line in document for sentence in split_sentences(line)])
        size += sum(map(len, document))
        if size >= _BATCH_CHARACTERS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _cut(ids: list[int], longest: int) -> Iterator[list[int]]:
    """A sentence longer than a block is cut, never dropped."""
    for start in range(0, len(ids), longest):
        yield ids[start : start + longest]


class _Writer:
    """Appends documents to shards of a part, starting a new one when the last is full."""

    def __init__(self, folder: Path, part: Part, dtype: str, shard_tokens: int) -> None:
        self._folder, self._part, self._dtype, self._limit = folder, part, dtype, shard_tokens
        self.shards: list[Json] = []
        self._reset()

    def _reset(self) -> None:
        self._tokens: list[np.ndarray] = []
        self._sentences: list[int] = []
        self._documents: list[int] = []
        self._count = 0

    def add(self, document: Encoded) -> None:
        lengths, pieces = document
        self._tokens.append(np.concatenate([np.asarray(ids, self._dtype) for ids in pieces]))
        self._sentences += lengths
        self._documents.append(len(lengths))
        self._count += sum(lengths)
        if self._count >= self._limit:
            self.finish()

    def finish(self) -> None:
        if not self._count:
            return
        name = f"{self._part}-{len(self.shards):05d}"
        paths = [self._folder / f"{name}.{suffix}" for suffix in SHARD_FILES]
        paths[0].write_bytes(np.concatenate(self._tokens).data)
        paths[1].write_bytes(_npy(self._sentences))
        paths[2].write_bytes(_npy(self._documents))
        self.shards.append(
            {
                "name": name,
                "part": self._part,
                "tokens": self._count,
                "sentences": len(self._sentences),
                "documents": len(self._documents),
                "bytes": [path.stat().st_size for path in paths],
                "sha256": [sha256(path) for path in paths],
            }
        )
        self._reset()


def _npy(counts: list[int]) -> bytes:
    """The file that ``np.save`` writes; numpy itself does not say why it could not write one."""
    stream = io.BytesIO()
    np.save(stream, np.asarray(counts, dtype=np.int32))
    return stream.getvalue()
