"""fairseq's mapped data sets: ``NAME.bin`` with the tokens, ``NAME.idx`` with where lines lie.

The index is: 9 bytes of magic, version 1 (u64), the code of the token type (u8), the number of
lines (u64), their sizes in tokens (i32 each), their byte offsets into ``.bin`` (i64 each); all
little-endian. The files are those of ``fairseq-preprocess``, byte for byte.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.common.artifacts import atomic_file
from pipeline.errors import UserError

_MAGIC = b"MMIDIDX\x00\x00"
_HEADER = struct.Struct("<9sQBQ")
_VERSION = 1
_SMALL_VOCABULARY = 65500
_UINT16, _UINT32 = 8, 9
_TYPES = {
    1: "<u1",
    2: "<i1",
    3: "<i2",
    4: "<i4",
    5: "<i8",
    _UINT16: "<u2",
    _UINT32: "<u4",
    10: "<u8",
}


def write_dataset(lines: Iterable[np.ndarray], vocabulary: int, prefix: Path) -> int:
    """Write lines of token ids as ``prefix.bin`` and ``prefix.idx``.

    Args:
        lines: one array of ids a line, ``</s>`` at its end included.
        vocabulary: symbols in dict.txt and the four before them; it decides the width of a token.
        prefix: the files' common path.

    Returns:
        How many lines were written.
    """
    code = _UINT16 if vocabulary < _SMALL_VOCABULARY else _UINT32
    sizes = array("i")
    data, index = _paths(prefix)
    with atomic_file(data) as temporary, open(temporary, "wb") as stream:
        for line in lines:
            stream.write(line.astype(_TYPES[code]).tobytes())
            sizes.append(len(line))
    lengths = np.asarray(sizes, dtype="<i4")
    with atomic_file(index) as temporary, open(temporary, "wb") as stream:
        stream.write(_HEADER.pack(_MAGIC, _VERSION, code, len(lengths)))
        stream.write(lengths.tobytes())
        stream.write(_offsets(lengths, code).tobytes())
    return len(lengths)


@dataclass(frozen=True)
class MappedLines:
    """An opened data set: line *i* is ``lines[i]``, an int64 array cut from the mapped file."""

    tokens: np.ndarray
    sizes: np.ndarray
    starts: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def __getitem__(self, index: int) -> np.ndarray:
        start = self.starts[index]
        return self.tokens[start : start + self.sizes[index]].astype(np.int64)


def open_dataset(prefix: Path) -> MappedLines:
    """Map ``prefix.bin`` and read ``prefix.idx``.

    Raises:
        UserError: a file is missing, truncated, of another kind, or they do not belong together.
    """
    data, index = _paths(prefix)
    for path in (data, index):
        if not path.is_file():
            raise UserError(
                f"{path} is missing: a data set of fairseq's is two files, .bin and .idx"
            )
    content = index.read_bytes()
    if content[: len(_MAGIC)] != _MAGIC or len(content) < _HEADER.size:
        raise UserError(f"{index} is no index of fairseq's mmap data sets")
    _, version, code, count = _HEADER.unpack_from(content)
    if version != _VERSION or code not in _TYPES:
        raise UserError(f"{index} has version {version} and token type {code}, which are unknown")
    if len(content) != _HEADER.size + 12 * count:
        raise UserError(
            f"{index} has {len(content)} bytes, but {count} lines need {_HEADER.size + 12 * count}"
        )
    sizes = np.frombuffer(content, "<i4", count, _HEADER.size)
    offsets = np.frombuffer(content, "<i8", count, _HEADER.size + 4 * count)
    width = np.dtype(_TYPES[code]).itemsize
    if not np.array_equal(offsets, _offsets(sizes, code)):
        raise UserError(f"{index} is damaged: its offsets do not follow from its sizes")
    total = int(sizes.sum(dtype=np.int64))
    if data.stat().st_size != total * width:
        raise UserError(
            f"{data} has {data.stat().st_size} bytes, but {index.name} tells of {total * width}"
        )
    empty = np.empty(0, _TYPES[code])
    tokens = np.memmap(data, _TYPES[code], mode="r") if total else empty
    return MappedLines(tokens, sizes, offsets // width)


def _paths(prefix: Path) -> tuple[Path, Path]:
    return prefix.with_name(f"{prefix.name}.bin"), prefix.with_name(f"{prefix.name}.idx")


def _offsets(sizes: np.ndarray, code: int) -> np.ndarray:
    """Byte offset of each line."""
    ends = np.cumsum(sizes, dtype=np.int64) * np.dtype(_TYPES[code]).itemsize
    return np.concatenate([[0], ends[:-1]]).astype("<i8")[: len(sizes)]
