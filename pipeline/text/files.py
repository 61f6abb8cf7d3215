"""Local files as rows or documents: text, TSV, CSV, JSON and Parquet, plain, gz or zst."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pipeline.common.checked import Distinct, Name, Text, shown
from pipeline.common.links import check_inside
from pipeline.common.quoted import quoted
from pipeline.errors import UserError
from pipeline.text.json_rows import Row, read_json, read_json_lines
from pipeline.text.patterns import at_home, matches, pattern_folder
from pipeline.text.streams import Meter, open_text
from pipeline.text.tables import Quoting, TableForm, Wanted, read_table

Format = Literal["text", "tsv", "csv", "json", "jsonl", "parquet"]

_SUFFIXES: dict[str, Format] = {
    ".txt": "text",
    ".raw": "text",
    ".tsv": "tsv",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
}
_COMPRESSIONS = (".gz", ".zst")
_CHUNK = 1 << 20
# Rows of Parquet that are unpacked at a time.
_ROWS = 64
# A title in WikiText: one "=" on each side; headings inside an article have more.
_ARTICLE = re.compile(r"= [^=].* =")
# Where a table of documents has their text, unless it is said.
DEFAULT_COLUMN = "text"


@dataclass(frozen=True)
class FilesConfig:
    """Files by path or pattern, read in the order given (those of a pattern sorted).

    ``format`` is told from the suffix unless given. ``header`` names the columns of a TSV or CSV
    that has none. ``quoting: none`` takes quote marks as text, as GLUE's TSVs need, and is what a
    TSV is read with unless it says otherwise; ``standard`` is CSV's own. In text files
    ``documents`` says what a document is: lines up to a blank one, each line, the file, or an
    article under a `` = Title = `` line.
    """

    paths: tuple[Name, ...]
    format: Format | None = None
    header: Annotated[tuple[Name, ...], Distinct()] | None = None
    quoting: Quoting | None = None
    documents: Literal["blank_line", "line", "file", "article"] = "blank_line"

    def __post_init__(self) -> None:
        if not self.paths:
            raise ValueError("paths must name at least one file")


def read_rows(config: FilesConfig, wanted: Wanted | None = None) -> Iterator[Row]:
    """Yield the rows of tabular files as column → value; TSV and CSV values are all text.

    Args:
        config: the files.
        wanted: what is known of the rows; None where nothing is.

    Raises:
        UserError: a file is missing, damaged, not UTF-8, or not what its format says.
    """
    for path in _expand(config):
        yield from _rows_of(path, config, wanted or Wanted())


def read_documents(config: FilesConfig, column: str) -> Iterator[list[str]]:
    """Yield documents as lists of lines: from text files, or from ``column`` of tabular ones.

    Raises:
        UserError: a file is missing, damaged or not what its format says, or all are plain text
            and a column is asked for.
    """
    files = [(path, _format(config, path)) for path in _expand(config)]
    if column != DEFAULT_COLUMN and all(kind == "text" for _, kind in files):
        raise UserError(
            f"column is {column!r}, but {files[0][0]} is read as plain text, which has no columns: "
            "leave it out, or give the format (tsv, csv, json, jsonl or parquet)"
        )
    for path, kind in files:
        if kind == "text":
            with _naming(path):
                yield from _documents(path, config.documents)
        else:
            for row in _rows_of(path, config, Wanted((column,))):
                yield lines_of(row, column, str(path))


def lines_of(row: Row, column: str, where: str) -> list[str]:
    """The non-empty lines of a row's text.

    Raises:
        UserError: there is no such column, or it does not hold text.
    """
    if column not in row:
        raise UserError(f"{where} has no column {column!r}; it has {', '.join(map(repr, row))}")
    check_text(row[column], column, where)
    return [line.strip() for line in row[column].splitlines() if line.strip()]


def check_text(value: Any, column: str, where: str) -> None:
    """Check that a value is text, and text that files can hold.

    Raises:
        UserError: it is something else, or holds what no file of UTF-8 does.
    """
    if not isinstance(value, str):
        raise UserError(f"{where}: column {column!r} holds {shown(value)}, not text")
    if wanted := Text().wanted(value):
        raise UserError(f"{where}: column {column!r} holds {shown(value)}, but must be {wanted}")


def _rows_of(path: Path, config: FilesConfig, wanted: Wanted) -> Iterator[Row]:
    kind = _format(config, path)
    if kind == "text":
        raise UserError(f"{path} is plain text, but rows need tsv, csv, json, jsonl or parquet")
    with _naming(path):
        yield from _READERS[kind](path, config, wanted)


def _tabular(path: Path, config: FilesConfig, wanted: Wanted) -> Iterator[Row]:
    delimiter: Literal["\t", ","] = "\t" if _format(config, path) == "tsv" else ","
    return read_table(path, TableForm(delimiter, config.quoting, config.header), wanted)


def _parquet(path: Path, _: FilesConfig, __: Wanted) -> Iterator[Row]:
    import pyarrow.parquet

    with pyarrow.parquet.ParquetFile(path) as stream:
        names = stream.schema_arrow.names
        if len(set(names)) < len(names):
            raise UserError(f"{path} has several columns of one name, among {', '.join(names)}")
        # What the file says of itself first: a page is unpacked as a whole. Then what it is: one
        # text may stand for all rows.
        groups = map(stream.metadata.row_group, range(stream.metadata.num_row_groups))
        Meter(path).add(sum(group.total_byte_size for group in groups))
        meter = Meter(path)
        for batch in stream.iter_batches(_ROWS):
            meter.add(batch.nbytes)
            yield from batch.to_pylist()


_READERS: dict[Format, Callable[[Path, FilesConfig, Wanted], Iterator[Row]]] = {
    "tsv": _tabular,
    "csv": _tabular,
    "json": lambda path, _, __: read_json(path),
    "jsonl": lambda path, _, __: read_json_lines(path),
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
    except (OSError, pyarrow.ArrowException) as error:
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
    for pattern in map(at_home, config.paths):
        here = matches(pattern)
        if not here:
            raise UserError(f"no file matches {pattern!r} (relative to {Path.cwd()})")
        found += here
        folder = pattern_folder(pattern)
        if folder is not None:
            for match in here:
                check_inside(match, Path(folder))
    return found


def _format(config: FilesConfig, path: Path) -> Format:
    if config.format is not None:
        return config.format
    suffixes = [suffix for suffix in map(str.lower, path.suffixes) if suffix not in _COMPRESSIONS]
    if not suffixes or suffixes[-1] not in _SUFFIXES:
        raise UserError(
            f"{path} has no known suffix: give format (text, tsv, csv, json, jsonl or parquet) "
            "beside paths in params.yaml"
        )
    return _SUFFIXES[suffixes[-1]]
