"""TSV and CSV as rows. What can be read in two ways is refused until the parameters say which."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, NamedTuple

from pipeline.common.checked import shown
from pipeline.common.quoted import quoted
from pipeline.errors import UserError
from pipeline.text.json_rows import Row
from pipeline.text.streams import open_text

Quoting = Literal["standard", "none"]

_LONGEST_FIELD = 1 << 30
# A field as CSV writes one that holds quote marks; texts that quote are not written so.
_DOUBLED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')


@dataclass(frozen=True)
class Wanted:
    """What who reads rows knows of them.

    Attributes:
        columns: the names that a table's header must have.
        is_row: whether values by column could be a row; None where nothing is known of that.
    """

    columns: tuple[str, ...] = ()
    is_row: Callable[[Row], bool] | None = None


@dataclass(frozen=True)
class TableForm:
    """How a table is written.

    Attributes:
        delimiter: between two fields.
        quoting: ``standard`` takes quote marks as CSV does, ``none`` as text. None is ``none`` with
            tabs and ``standard`` with commas, as far as the other could not be meant as well.
        header: the columns' names, of a file that has no line with them.
    """

    delimiter: Literal["\t", ","]
    quoting: Quoting | None = None
    header: tuple[str, ...] | None = None

    @property
    def records(self) -> Callable[[IO[str], str, Path], Iterator[_Record]]:
        """What splits a file of this form."""
        if self.quoting == "none" or (self.quoting is None and self.delimiter == "\t"):
            return _unquoted
        return _quoted_lines if self.delimiter == "\t" else _quoted


class _Record(NamedTuple):
    """The fields of a row, and the first and last line that it stands on."""

    values: list[str]
    first: int
    last: int


def read_table(path: Path, form: TableForm, wanted: Wanted) -> Iterator[Row]:
    """Yield the rows; every value stays text, so that the sentence "1984" is no number.

    Lines with nothing on them are no rows. Columns without a name, as pandas writes an index, are
    left out.

    Raises:
        UserError: header and rows do not fit each other, or quote marks do not pair up, or a file
            may be read in two ways.
    """
    with open_text(path) as stream:
        records = form.records(stream, form.delimiter, path)
        names = _names(path, form, next(records, None), wanted) if form.header is None else None
        header = names or list(form.header or ())
        unclear = _unclear(form, header, wanted)
        for number, record in enumerate(records):
            if len(record.values) != len(header):
                raise UserError(_misfit(path, record, header, form))
            if names is None and number == 0 and record.values == header:
                raise UserError(
                    f"{path}, line {record.first} is the header that files.header gives: leave "
                    "header out"
                )
            if unclear is not None and (found := unclear(record)):
                raise UserError(f"{path}, line {record.first}: {found}")
            yield {name: value for name, value in zip(header, record.values, strict=True) if name}


def _names(path: Path, form: TableForm, record: _Record | None, wanted: Wanted) -> list[str]:
    """The header line's names, checked."""
    if record is None:
        return []
    names, line = record.values, record.first
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if twice:
        raise UserError(
            f"{path}, line {line}: several columns are called {twice[0]!r}: give each column a "
            "name of its own"
        )
    wrapped = [name for name in names if len(name) > 1 and name[0] == name[-1] == '"']
    if form.quoting is None and wrapped:
        raise UserError(
            f"{path}, line {line}: the column name {wrapped[0]} stands in quote marks: say "
            "quoting: standard beside paths, or quoting: none where they are part of it"
        )
    missing = [name for name in wanted.columns if name not in names]
    if missing:
        raise UserError(
            f"{path} has no column {missing[0]!r}; it has {_listed(names)}, taken from line "
            f"{line}: if that is a row, name the columns with header beside paths"
        )
    return names


def _listed(names: Sequence[str]) -> str:
    return ", ".join(shown(name) for name in names if name) or "no names"


def _misfit(path: Path, record: _Record, header: Sequence[str], form: TableForm) -> str:
    """What is said of a row with another number of fields than the header."""
    asked = "" if form.quoting else ", or say quoting beside paths where quote marks mislead"
    return (
        f"{path}, line {record.first}: {len(record.values)} fields, but there are {len(header)} "
        f"columns: mend the line{asked}"
    )


def _unquoted(stream: IO[str], delimiter: str, _: Path) -> Iterator[_Record]:
    # Only the end of a line is cut: carriage returns inside a field are text.
    for number, line in enumerate(stream, start=1):
        if text := line.rstrip("\r\n"):
            yield _Record(text.split(delimiter), number, number)


def _quoted(stream: IO[str], delimiter: str, path: Path) -> Iterator[_Record]:
    """CSV: a quoted field may run over lines."""
    csv.field_size_limit(_LONGEST_FIELD)
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        first = reader.line_num + 1
        try:
            values = next(reader, None)
        except csv.Error as error:
            raise UserError(
                f"{path} cannot be read: {quoted(error)}, in the row that begins in line {first}: "
                "say quoting: none beside paths if quote marks are text"
            ) from None
        if values is None:
            return
        if values:
            yield _Record(values, first, reader.line_num)


def _quoted_lines(stream: IO[str], delimiter: str, path: Path) -> Iterator[_Record]:
    """TSV with quote marks: a row is a line, so that none can swallow those below it."""
    for number, line in enumerate(stream, start=1):
        try:
            records = list(_quoted(iter([line]), delimiter, path))  # type: ignore[arg-type]
        except UserError:
            raise UserError(
                f"{path}, line {number}: its quote marks do not pair up within the line: say "
                "quoting: none beside paths if they are text (a text over several lines needs CSV, "
                "JSON or Parquet)"
            ) from None
        for record in records:
            yield _Record(record.values, number, number)


def _unclear(
    form: TableForm, header: Sequence[str], wanted: Wanted
) -> Callable[[_Record], str | None] | None:
    """What finds a row that the other quoting would read as well, where none was said."""
    if form.quoting is not None:
        return None
    if form.delimiter == "\t":
        return _written_as_csv
    is_row = wanted.is_row
    if is_row is None:
        return None

    def fits(values: list[str]) -> bool:
        return len(values) == len(header) and is_row(dict(zip(header, values, strict=True)))

    return lambda record: _swallowed(record, fits)


def _written_as_csv(record: _Record) -> str | None:
    found = [value for value in record.values if '""' in value and _DOUBLED.fullmatch(value)]
    if not found:
        return None
    return (
        f"the field {shown(found[0])} is written as CSV writes quote marks: say quoting: standard "
        "beside paths, or quoting: none where they are text"
    )


def _swallowed(record: _Record, fits: Callable[[list[str]], bool]) -> str | None:
    """Lines inside quote marks that would be rows, labels and all: a mark may stand for itself."""
    if record.first == record.last:
        return None
    lines = [line.rstrip("\r").split(",") for line in ",".join(record.values).split("\n")]
    if not (all(map(fits, lines)) or any(map(fits, lines[1:-1]))):
        return None
    return (
        f"by its quote marks one row goes on to line {record.last}, but what they hold looks like "
        "rows: say quoting: none beside paths if quote marks are text, or quoting: standard"
    )
