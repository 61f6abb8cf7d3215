"""Any table file is read to the rows that it has, counted by other means, or refused in a sentence.

``FUZZ_EXAMPLES=2500 pytest tests/text/test_table_files.py`` looks at more files than usual.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from pipeline.common.config import parse
from pipeline.errors import UserError
from pipeline.tasks.config import TaskDataConfig
from pipeline.tasks.rows import read_splits
from pipeline.text.files import FilesConfig, read_rows
from pipeline.text.tables import Wanted

MANY = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# What upsets readers of tables, and enough plain letters to hold it apart.
PIECES = [
    *"ab01 ,\t\n", "\t0\n", ",1\n", '"', '"', '""', "\r\n", "\r", "\n\n", "é", "\u2028", "\x85",
    "\x1c", "\x0b", "\ufeff", "\0", "{", "}", "[", "]", '{"a": 1}\n', '{"a": 1, "a": 2}',
    '[{"a": 1}, {"a": 2}]', "[" * 3000, "1" * 5000, '{"a": "\\ud800"}\n', "text\tlabel\n", "null",
]  # fmt: skip
QUOTINGS = st.sampled_from([None, "standard", "none"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tables")


def _lines(text: str) -> list[str]:
    ends = r"\r\n|\r|\n" if "\r" in text and "\n" not in text else "\n"
    return [line for line in re.split(ends, text) if line.strip("\r\n")]


def _quoted_records(text: str) -> int:
    """Rows of a CSV, by its characters one after another."""
    count, inside, start, empty, place = 0, False, True, True, 0
    while place < len(text):
        sign = text[place]
        if inside:
            doubled = text[place : place + 2] == '""'
            inside = sign != '"' or doubled
            place += doubled
        elif sign == '"' and start:
            inside, start, empty = True, False, False
        elif sign in "\r\n":
            count, start, empty = count + (not empty), True, True
        else:
            start, empty = sign == ",", False
        place += 1
    return count + (not empty)


def _counted(text: str, suffix: str, quoting: str | None, header: bool) -> int:
    """How many rows a file has."""
    if suffix in ("json", "jsonl"):
        if suffix == "json" and text.lstrip("\n\r\t ").startswith("["):
            return len(json.loads(text))
        return sum(bool(line.strip()) for line in _lines(text))
    whole = suffix == "csv" and quoting != "none"
    lines = _quoted_records(text) if whole else len(_lines(text))
    return max(lines - (not header), 0)


@MANY
@given(
    pieces=st.lists(st.sampled_from(PIECES), max_size=24),
    suffix=st.sampled_from(["tsv", "csv", "json", "jsonl"]),
    quoting=QUOTINGS,
    header=st.booleans(),
)
def test_any_characters_are_rows_or_one_sentence(
    folder: Path, pieces: list[str], suffix: str, quoting: Any, header: bool
) -> None:
    text = "".join(pieces)
    path = folder / f"any.{suffix}"
    path.write_bytes(text.encode())
    config = FilesConfig((str(path),), header=("x", "y") if header else None, quoting=quoting)
    try:
        rows = list(read_rows(config, Wanted((), lambda row: "b" in row.values())))
    except UserError as error:
        event("refused in a sentence")
        assert str(error).startswith(str(path)) and "\n" not in str(error)
        return
    event("read")
    assert len(rows) == _counted(text.removeprefix("\ufeff"), suffix, quoting, header)


@MANY
@given(
    data=st.binary(max_size=40),
    suffix=st.sampled_from(["tsv", "csv", "json", "jsonl", "parquet", "tsv.gz"]),
)
def test_any_bytes_are_rows_or_one_sentence(folder: Path, data: bytes, suffix: str) -> None:
    path = folder / f"bytes.{suffix}"
    path.write_bytes(data)
    try:
        list(read_rows(FilesConfig((str(path),))))
        event("read")
    except UserError as error:
        event("refused in a sentence")
        assert str(error).startswith(str(path)) and "\n" not in str(error)


# What a file of UTF-8 can hold, less what ends a line in a TSV.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def _written(rows: list[list[str]], form: str, end: str) -> str:
    if form == "jsonl":
        return "".join(
            json.dumps(dict(zip(("text", "label"), row, strict=True))) + end for row in rows
        )
    if form == "json":
        return json.dumps(
            [dict(zip(("text", "label"), row, strict=True)) for row in rows], indent=1
        )
    table = [["text", "label"], *rows]
    if form == "tsv":
        return "".join("\t".join(row) + end for row in table)
    stream = io.StringIO()
    # The standard library leaves a lone carriage return without the quote marks that it needs.
    lone = any("\r" in text for text, _ in rows)
    quoting = csv.QUOTE_ALL if lone else csv.QUOTE_MINIMAL
    csv.writer(stream, lineterminator=end, quoting=quoting).writerows(table)
    return stream.getvalue()


@MANY
@given(
    texts=st.lists(TEXTS, min_size=2, max_size=8),
    form=st.sampled_from(["tsv", "csv", "json", "jsonl"]),
    end=st.sampled_from(["\n", "\r\n"]),
    blank=st.integers(0, 2),
    packed=st.sampled_from(["", ".gz", ".zst"]),
)
def test_a_table_that_others_wrote_is_the_task_that_it_was(
    folder: Path, texts: list[str], form: str, end: str, blank: int, packed: str
) -> None:
    if form == "tsv":
        texts = [re.sub(r"[\t\r\n]", " ", text) for text in texts]
    rows = [[text, str(place % 2)] for place, text in enumerate(texts)]
    content = (_written(rows, form, end) + blank * end).encode()
    if packed:
        content = (gzip.compress if packed == ".gz" else zstandard.compress)(content)
    path = folder / f"whole.{form}{packed}"
    path.write_bytes(content)
    quoting = "none" if form == "tsv" else "standard"
    source = [{"files": {"paths": [str(path)], "quoting": quoting}}]
    value = {
        "train": source,
        "eval": source,
        "columns": {"text_a": "text", "text_b": None},
        "labels": ["no", "yes"],
    }
    train = read_splits("t", parse(TaskDataConfig, value, "task"), 0)["train"]
    assert train.text_a == texts
    assert train.targets == [place % 2 for place in range(len(texts))]
