"""Local files: every format and compression gives the same rows, and bad input one sentence."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from pipeline.errors import UserError
from pipeline.text.files import FilesConfig, read_documents, read_rows

ROWS = [{"text": 'He said "no", twice', "label": "1"}, {"text": "1984", "label": "0"}]


def _write(path: Path, content: bytes) -> Path:
    if path.suffix == ".gz":
        content = gzip.compress(content)
    if path.suffix == ".zst":
        content = zstandard.compress(content)
    path.write_bytes(content)
    return path


def _tsv(rows: list[dict[str, str]]) -> bytes:
    return "".join(f"{a}\t{b}\n" for a, b in [("text", "label"), *map(dict.values, rows)]).encode()


def _rows(path: Path, **options: object) -> list[dict[str, object]]:
    return list(read_rows(FilesConfig((str(path),), **options)))  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_every_format_gives_the_same_rows(tmp_path: Path, suffix: str) -> None:
    csv = b'text,label\n"He said ""no"", twice",1\n1984,0\n'
    jsonl = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    assert _rows(_write(tmp_path / f"a.tsv{suffix}", _tsv(ROWS)), quoting="none") == ROWS
    assert _rows(_write(tmp_path / f"a.csv{suffix}", csv)) == ROWS
    assert _rows(_write(tmp_path / f"a.jsonl{suffix}", jsonl)) == ROWS


def test_parquet_rows(tmp_path: Path) -> None:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), tmp_path / "a.parquet")
    assert _rows(tmp_path / "a.parquet") == ROWS


def test_given_format_and_header(tmp_path: Path) -> None:
    path = _write(tmp_path / "reviews.data", b'"2","good, really"\n"1","a\nb"\n')
    assert _rows(path, format="csv", header=("label", "text")) == [
        {"label": "2", "text": "good, really"},
        {"label": "1", "text": "a\nb"},
    ]


def test_unquoted_fields_keep_quotes_and_carriage_returns(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tsv", b'text\tlabel\r\n"open\ta\rb\r\n')
    assert _rows(path, quoting="none") == [{"text": '"open', "label": "a\rb"}]


def test_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.tsv", "\ufefftext\tlabel\nx\t1\n".encode())
    assert _rows(path) == [{"text": "x", "label": "1"}]


def test_patterns_are_sorted_and_paths_keep_their_order(tmp_path: Path) -> None:
    for name in ("b1", "b0", "a"):
        _write(tmp_path / f"{name}.jsonl", json.dumps({"n": name}).encode())
    config = FilesConfig((str(tmp_path / "b*.jsonl"), str(tmp_path / "a.jsonl")))
    assert [row["n"] for row in read_rows(config)] == ["b0", "b1", "a"]


def test_a_frame_after_the_first_is_read_too(tmp_path: Path) -> None:
    frame = zstandard.compress(b"one\n")
    (tmp_path / "a.txt.zst").write_bytes(frame + zstandard.compress(b"two\n"))
    config = FilesConfig((str(tmp_path / "a.txt.zst"),), documents="line")
    assert list(read_documents(config, "text")) == [["one"], ["two"]]


TEXT = " = Crab = \n\nA crab .\n = = Size = = \nSmall .\n\n = Gull = \nA gull .\n"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            "blank_line",
            [["= Crab ="], ["A crab .", "= = Size = =", "Small ."], ["= Gull =", "A gull ."]],
        ),
        ("file", [["= Crab =", "A crab .", "= = Size = =", "Small .", "= Gull =", "A gull ."]]),
        (
            "article",
            [["= Crab =", "A crab .", "= = Size = =", "Small ."], ["= Gull =", "A gull ."]],
        ),
        (
            "line",
            [["= Crab ="], ["A crab ."], ["= = Size = ="], ["Small ."], ["= Gull ="], ["A gull ."]],
        ),
    ],
)
def test_what_a_document_is(tmp_path: Path, rule: str, expected: list[list[str]]) -> None:
    path = _write(tmp_path / "a.txt", TEXT.encode())
    config = FilesConfig((str(path),), documents=rule)  # type: ignore[arg-type]
    assert list(read_documents(config, "text")) == expected


def test_documents_of_a_table(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jsonl", json.dumps({"body": "one\n\n two \n"}).encode())
    config = FilesConfig((str(path),))
    assert list(read_documents(config, "body")) == [["one", "two"]]
    with pytest.raises(UserError, match=r"no column 'text'; it has 'body'"):
        list(read_documents(config, "text"))


BAD = {
    "not UTF-8": ("a.tsv", b"text\tlabel\ncaf\xe9\t1\n", r"a\.tsv is not UTF-8 \(byte 14\)"),
    "cut inside a character": ("a.txt", "é".encode()[:1], r"a\.txt is not UTF-8 \(byte 0\)"),
    "short row": ("a.tsv", b"a\tb\n1\t2\nonly\n", r"a\.tsv, line 3: 1 fields, but there are 2"),
    "long row": ("a.csv", b"a,b\n1,2,3\n", r"a\.csv, line 2: 3 fields, but there are 2"),
    "open quote": ("a.csv", b'a,b\n1,"2\n', r"a\.csv cannot be read: unexpected end of data"),
    "no JSON": ("a.jsonl", b'{"a": "x"}\n{"a":\n', r"a\.jsonl, line 2: not JSON"),
    "no object": ("a.jsonl", b"[1]\n", r"a\.jsonl, line 1: not a JSON object"),
    "no Parquet": ("a.parquet", b"PAR1", r"a\.parquet cannot be read"),
    "unknown suffix": ("a.dat", b"x", r"a\.dat has no known suffix: give format"),
}


@pytest.mark.parametrize(("name", "content", "message"), BAD.values(), ids=BAD)
def test_bad_file_is_one_sentence(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    config = FilesConfig((str(_write(tmp_path / name, content)),))
    column = "text" if name == "a.txt" else "a"
    with pytest.raises(UserError, match=message):
        list(read_documents(config, column))


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_torn_compressed_file_is_noticed(tmp_path: Path, suffix: str) -> None:
    path = _write(tmp_path / f"a.txt{suffix}", b"many words\n" * 10_000)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(UserError, match="cannot be read: Truncated"):
        list(read_documents(FilesConfig((str(path),)), "text"))


def test_byte_offset_beyond_the_first_chunk(tmp_path: Path) -> None:
    size = (1 << 20) - 1  # the bad sequence straddles two chunks
    path = _write(tmp_path / "a.txt", b"x" * size + "é".encode()[:1] + b"y")
    with pytest.raises(UserError, match=rf"byte {size}\)"):
        list(read_documents(FilesConfig((str(path),)), "text"))


def test_missing_file_and_plain_text_as_rows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no file matches '.*nothing\.tsv'"):
        list(read_rows(FilesConfig((str(tmp_path / "nothing.tsv"),))))
    path = _write(tmp_path / "a.txt", b"text")
    with pytest.raises(UserError, match=r"a\.txt is plain text, but rows need tsv"):
        list(read_rows(FilesConfig((str(path),))))
    with pytest.raises(ValueError, match="paths must name at least one file"):
        FilesConfig(())


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@pytest.mark.parametrize("content", [b"x" * (1 << 25), b"x\n" * (1 << 24)], ids=["line", "lines"])
def test_a_file_that_unpacks_to_a_multiple_no_text_has_is_refused(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    path = _write(tmp_path / f"a.txt{suffix}", content)
    with pytest.raises(UserError, match=r"unpacks to more than 100 times its size"):
        for _ in read_documents(FilesConfig((str(path),)), "text"):
            pass


@pytest.mark.parametrize("dictionary", [True, False])
def test_a_parquet_file_that_unpacks_to_a_multiple_is_refused(
    tmp_path: Path, dictionary: bool
) -> None:
    """By what it declares, or, where one text stands for every row, by what comes out."""
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"text": ["x" * (1 << 16)] * (1 << 10)})
    pyarrow.parquet.write_table(table, path, compression="zstd", use_dictionary=dictionary)
    assert path.stat().st_size < 1 << 18
    with pytest.raises(UserError, match=r"a\.parquet unpacks to more than 100 times its size"):
        list(read_rows(FilesConfig((str(path),))))


def test_small_files_may_repeat_themselves(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.txt.gz", b"the same line\n" * (1 << 20))
    assert len(list(read_documents(FilesConfig((str(path),), documents="file"), "text"))) == 1


def test_a_pattern_never_leaves_its_folder(tmp_path: Path) -> None:
    (tmp_path / "my").mkdir()
    _write(tmp_path / "my/a.txt", b"mine")
    os.mkfifo(tmp_path / "canary")  # whoever reads it waits forever
    (tmp_path / "my/b.txt").symlink_to(tmp_path / "canary")
    with pytest.raises(UserError, match=r"my/b\.txt leads out of .*/my"):
        list(read_documents(FilesConfig((str(tmp_path / "my/*.txt"),)), "text"))
    (tmp_path / "my/b.txt").unlink()
    (tmp_path / "my/b.txt").symlink_to("a.txt")
    (tmp_path / "named.txt").symlink_to("my/a.txt")
    for pattern, count in (("my/*.txt", 2), ("*/a.txt", 1), ("named.txt", 1)):
        config = FilesConfig((str(tmp_path / pattern),))
        assert list(read_documents(config, "text")) == [["mine"]] * count


@pytest.mark.parametrize("line", ['{"a": %s}' % ("1" * 5000), "[" * 100_000])
def test_json_that_python_refuses_is_one_sentence(tmp_path: Path, line: str) -> None:
    path = _write(tmp_path / "a.jsonl", line.encode())
    with pytest.raises(UserError, match=r"a\.jsonl, line 1: not JSON") as caught:
        list(read_rows(FilesConfig((str(path),))))
    assert "set_int_max_str_digits" not in str(caught.value)


def test_a_column_of_plain_text_alone_is_refused(tmp_path: Path) -> None:
    """A table under another suffix would be read as text, its other columns with it."""
    path = tmp_path / "table.txt"
    path.write_text("body\tlabel\none\t1\n")
    with pytest.raises(
        UserError, match=r"column is 'body', but .*table\.txt is read as plain text"
    ):
        list(read_documents(FilesConfig((str(path),)), "body"))
    assert list(read_documents(FilesConfig((str(path),), "tsv"), "body")) == [["one"]]
    # Beside a table the column is the table's.
    (tmp_path / "more.tsv").write_text("body\ntwo\n")
    both = FilesConfig((str(path), str(tmp_path / "more.tsv")))
    assert list(read_documents(both, "body"))[-1] == ["two"]
