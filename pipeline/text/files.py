"""Local files as rows or documents: text, TSV, CSV, JSONL and Parquet, plain, gz or zst."""

from __future__ import annotations

import codecs
import csv
import glob
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Annotated, Any, Literal

from pipeline.common.checked import Distinct, Name
from pipeline.common.links import check_inside
from pipeline.common.quoted import quoted
from pipeline.errors import UserError
from pipeline.text.streams import Meter, open_text

Format = Literal["text", "tsv", "csv", "jsonl", "parquet"]
Row = dict[str, Any]

_SUFFIXES: dict[str, Format] = {
    ".txt": "text",
    ".raw": "text",
    ".tsv": "tsv",
    ".csv": "csv",
    ".json": "jsonl",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
}
_COMPRESSIONS = (".gz", ".zst")
_WILDCARD = re.compile(r"[*?\[]")
_CHUNK = 1 << 20
# Rows of Parquet that are unpacked at a time.
_ROWS = 64
_LONGEST_FIELD = 1 << 30
# A title in WikiText: one "=" on each side; headings inside an article have more.
_ARTICLE = re.compile(r"= [^=].* =")


@dataclass(frozen=True)
class FilesConfig:
    """Files by path or pattern, read in the order given (those of a pattern sorted).

    ``format`` is told from the suffix unless given. ``header`` names the columns of a TSV or CSV
    that has none. ``quoting: none`` takes quote marks as text, as GLUE's TSVs need. In text files
    ``documents`` says what a document is: lines up to a blank one, each line, the file, or an
    article under a `` = Title = `` line.
    """

    paths: tuple[Name, ...]
    format: Format | None = None
    header: Annotated[tuple[Name, ...], Distinct()] | None = None
    quoting: Literal["standard", "none"] = "standard"
    documents: Literal["blank_line", "line", "file", "article"] = "blank_line"

    def __post_init__(self) -> None:
        if not self.paths:
            raise ValueError("paths must name at least one file")


def read_rows(config: FilesConfig) -> Iterator[Row]:
    """Yield the rows of tabular files as column → value; TSV and CSV values are all text.

    Raises:
        UserError: a file is missing, damaged, not UTF-8, or not what its format says.
    """
    for path in _expand(config):
        yield from _rows_of(path, config)


def read_documents(config: FilesConfig, column: str) -> Iterator[list[str]]:
    """Yield documents as lists of lines: from text files, or from ``column`` of tabular ones."""
    for path in _expand(config):
        if _format(config, path) == "text":
            with _naming(path):
                yield from _documents(path, config.documents)
        else:
            for row in _rows_of(path, config):
                yield lines_of(row, column, str(path))


def lines_of(row: Row, column: str, where: str) -> list[str]:
    """The non-empty lines of a row's text.

    Raises:
        UserError: there is no such column, or it does not hold text.
    """
    if column not in row:
        raise UserError(f"{where} has no column {column!r}; it has {', '.join(map(repr, row))}")
    if not isinstance(row[column], str):
        raise UserError(f"{where}: column {column!r} holds {row[column]!r}, not text")
    return [line.strip() for line in row[column].splitlines() if line.strip()]


def _rows_of(path: Path, config: FilesConfig) -> Iterator[Row]:
    kind = _format(config, path)
    if kind == "text":
        raise UserError(f"{path} is plain text, but rows need tsv, csv, jsonl or parquet")
    with _naming(path):
        yield from _READERS[kind](path, config)


def _tabular(path: Path, config: FilesConfig) -> Iterator[Row]:
    """TSV and CSV; every value stays text, so that the sentence "1984" is no number."""
    delimiter = "\t" if _format(config, path) == "tsv" else ","
    with open_text(path) as stream:
        split = _unquoted if config.quoting == "none" else _quoted
        lines = split(stream, delimiter)
        header = list(config.header) if config.header is not None else next(lines, (0, []))[1]
        for number, values in lines:
            if len(values) != len(header):
                raise UserError(
                    f"{path}, line {number}: {len(values)} fields, but there are "
                    f"{len(header)} columns"
                )
            yield dict(zip(header, values, strict=True))


def _unquoted(stream: IO[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    # Only \n ends a line here: carriage returns inside a field are text.
    for number, line in enumerate(stream, start=1):
        yield number, line.rstrip("\r\n").split(delimiter)


def _quoted(stream: IO[str], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    for values in reader:
        yield reader.line_num, values


def _jsonl(path: Path, _: FilesConfig) -> Iterator[Row]:
    with open_text(path) as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise UserError(f"{path}, line {number}: not JSON ({quoted(error)})") from None
            if not isinstance(row, dict):
                raise UserError(f"{path}, line {number}: not a JSON object")
            yield row


def _parquet(path: Path, _: FilesConfig) -> Iterator[Row]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as stream:
        # What the file says of itself first: a page is unpacked as a whole. Then what it is: one
        # text may stand for all rows.
        groups = map(stream.metadata.row_group, range(stream.metadata.num_row_groups))
        Meter(path).add(sum(group.total_byte_size for group in groups))
        meter = Meter(path)
        for batch in stream.iter_batches(_ROWS):
            meter.add(batch.nbytes)
            yield from batch.to_pylist()


_READERS: dict[Format, Callable[[Path, FilesConfig], Iterator[Row]]] = {
    "tsv": _tabular,
    "csv": _tabular,
    "jsonl": _jsonl,
    "parquet": _parquet,
}


def _documents(path: Path, rule: str) -> Iterator[list[str]]:
    document: list[str] = []
    with open_text(path) as stream:
        for line in stream:
            text = line.strip()
            if document and _separates(text, rule):
                yield document
                document = []
            if text:
                document.append(text)
    if document:
        yield document


def _separates(text: str, rule: str) -> bool:
    """Whether a document ends before this line."""
    if rule == "article":
        return _ARTICLE.fullmatch(text) is not None
    return rule == "line" or (rule == "blank_line" and not text)


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a `UserError` that names the file."""
    import pyarrow

    try:
        yield
    except UnicodeDecodeError:
        place = _first_bad_byte(path)
        raise UserError(f"{path} is not UTF-8 (byte {place}): save it as UTF-8") from None
    except (OSError, csv.Error, pyarrow.ArrowException) as error:
        raise UserError(f"{path} cannot be read: {quoted(error)}") from error


def _first_bad_byte(path: Path) -> int:
    """Offset, in the uncompressed file, of the first byte that is not UTF-8."""
    import pyarrow

    decoder, position = codecs.getincrementaldecoder("utf-8")(), 0
    with pyarrow.input_stream(str(path), compression="detect") as stream:
        while chunk := stream.read(_CHUNK):
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                return position - held + error.start
            position += len(chunk)
    return position - len(decoder.getstate()[0])


def _expand(config: FilesConfig) -> list[Path]:
    found: list[Path] = []
    for pattern in config.paths:
        matches = sorted(glob.glob(pattern))
        if not matches:
            raise UserError(f"no file matches {pattern!r} (relative to {Path.cwd()})")
        found += map(Path, matches)
        if _WILDCARD.search(pattern):
            for match in matches:
                check_inside(Path(match), _folder(pattern))
    return found


def _folder(pattern: str) -> Path:
    """The folder that a pattern looks into: what stands before its first wildcard."""
    return Path(_WILDCARD.split(pattern)[0] + "*").parent


def _format(config: FilesConfig, path: Path) -> Format:
    if config.format is not None:
        return config.format
    suffixes = [suffix for suffix in path.suffixes if suffix not in _COMPRESSIONS]
    if not suffixes or suffixes[-1] not in _SUFFIXES:
        raise UserError(
            f"{path} has no known suffix: give format (text, tsv, csv, jsonl or parquet) beside "
            "paths in params.yaml"
        )
    return _SUFFIXES[suffixes[-1]]
