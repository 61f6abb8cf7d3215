"""TSV and CSV: no row swallows others, no column hides another, and what is unclear is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas
import pytest

from pipeline.errors import UserError
from pipeline.text.files import FilesConfig, read_documents, read_rows
from pipeline.text.tables import Wanted

# Of each, a row begins with a quote mark whose partner stands rows later.
SWALLOWING = {
    "four rows were two": 'text\tlabel\n"Oh, he said\t0\nfine\t1\nbad"\t0\nlast\t1\n',
    "six rows were three": 't\tlabel\n"a\t0\nb\t1\nc"\t0\n"d\t0\ne"\t1\nf\t1\n',
}


def _rows(path: Path, content: str, wanted: Wanted | None = None, **options: object) -> list[dict]:
    path.write_bytes(content.encode())
    return list(read_rows(FilesConfig((str(path),), **options), wanted))  # type: ignore[arg-type]


@pytest.mark.parametrize("content", SWALLOWING.values(), ids=SWALLOWING)
def test_no_row_of_a_tsv_swallows_the_rows_below_it(tmp_path: Path, content: str) -> None:
    rows = _rows(tmp_path / "a.tsv", content)
    assert len(rows) == content.count("\n") - 1
    assert {row["label"] for row in rows} == {"0", "1"}
    with pytest.raises(UserError, match=r"a\.tsv, line 2: its quote marks .*: say quoting: none"):
        _rows(tmp_path / "a.tsv", content, quoting="standard")


def test_no_row_of_a_csv_swallows_rows_that_have_labels(tmp_path: Path) -> None:
    content = 'text,label\nfine,1\n"Oh he said,0\ngood,1\nbad",0\nlast,1\n'
    known = Wanted(("text",), lambda row: row["label"] in ("0", "1"))
    with pytest.raises(
        UserError, match=r"a\.csv, line 3: by its quote marks one row goes on to line 5"
    ):
        _rows(tmp_path / "a.csv", content, known)
    assert len(_rows(tmp_path / "a.csv", content, known, quoting="standard")) == 3
    assert len(_rows(tmp_path / "a.csv", content, known, quoting="none")) == 5


def test_texts_of_several_lines_are_rows_of_a_csv(tmp_path: Path) -> None:
    texts = ["Good\nfood, nice", "one, two\n\nthree", 'He said\n"no", twice', "a\r\nb"]
    table = pandas.DataFrame({"label": [1, 0, 1, 0], "text": texts})
    known = Wanted(("text",), lambda row: row["label"] in ("0", "1"))
    rows = _rows(tmp_path / "a.csv", table.to_csv(index=False), known)
    assert [row["text"] for row in rows] == texts


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('x,0\n"open,1\ny,0', "unexpected end of data, in the row that begins in line 3"),
        ('x,0\n"a" b,1', r"',' expected after '\"', in the row that begins in line 3"),
        ('"open\nx", y" z,1\n', "line 2: 3 fields, but there are 2 columns: .* say quoting"),
        ("x,0\na\rb,1\n", "in the row that begins in line 3"),
    ],
    ids=["never closed", "text behind the mark", "closed lines later", "carriage return"],
)
def test_quote_marks_that_do_not_pair_up_name_their_line(
    tmp_path: Path, row: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        _rows(tmp_path / "a.csv", f"text,label\n{row}")


def test_a_tsv_is_read_without_quoting_unless_it_may_be_meant(tmp_path: Path) -> None:
    """GLUE quotes nothing, pandas what it must; where both could be, the file's owner says."""
    glue = 'text\tlabel\n"No," he said.\t0\n"All of it"\t1\n""\t1\n'
    assert [row["text"] for row in _rows(tmp_path / "a.tsv", glue)] == [
        '"No," he said.',
        '"All of it"',
        '""',
    ]
    table = pandas.DataFrame({"text": ['He said "no"', "plain"], "label": [0, 1]})
    minimal = table.to_csv(sep="\t", index=False)
    with pytest.raises(UserError, match=r"line 2: the field .* say quoting: standard"):
        _rows(tmp_path / "a.tsv", minimal)
    every = table.to_csv(sep="\t", index=False, quoting=csv.QUOTE_ALL)
    with pytest.raises(UserError, match=r'line 1: the column name "text" stands in quote marks'):
        _rows(tmp_path / "a.tsv", every)
    for content in (minimal, every):
        rows = _rows(tmp_path / "a.tsv", content, quoting="standard")
        assert [row["text"] for row in rows] == ['He said "no"', "plain"]


def test_columns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.tsv, line 1: several columns are called 'label'"):
        _rows(tmp_path / "a.tsv", "text\tlabel\tlabel\nx\t0\t1\n")
    twice = '{"label": 0, "text": "x", "label": 1}'
    for name, content in (("a.jsonl", twice), ("a.json", f"[{twice}]")):
        with pytest.raises(UserError, match="an object has the key 'label' twice"):
            _rows(tmp_path / name, content)


def test_columns_without_a_name_are_left_out(tmp_path: Path) -> None:
    """Pandas writes its index so; nothing could ask for it."""
    table = pandas.DataFrame({"text": ["x", "y"], "label": [0, 1]})
    assert _rows(tmp_path / "a.csv", table.to_csv()) == [
        {"text": "x", "label": "0"},
        {"text": "y", "label": "1"},
    ]
    with pytest.raises(UserError, match="has no column 'text'; it has no names, taken from line 1"):
        _rows(tmp_path / "a.csv", ",,\nx,y,z\n", Wanted(("text",)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text\nx\t0\ny\t1\n", "line 2: 2 fields, but there are 1 columns"),
        ("text\tlabel\tmore\nx\t0\n", "line 2: 2 fields, but there are 3 columns"),
        ("text\tlabel\nx\t0\ny\n", "line 3: 1 fields, but there are 2 columns: mend the line"),
    ],
    ids=["header too short", "header too long", "one row too short"],
)
def test_header_and_rows_have_as_many_fields(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        _rows(tmp_path / "a.tsv", content)


def test_a_row_taken_for_the_header_and_the_other_way_round(tmp_path: Path) -> None:
    with pytest.raises(
        UserError,
        match=r"no column 'text'; it has 'Good food\.', '1', taken from line 1: if that is a row, "
        "name the columns with header",
    ):
        _rows(tmp_path / "a.tsv", "Good food.\t1\nBad.\t0\n", Wanted(("text", "label")))
    config = FilesConfig((str(tmp_path / "a.tsv"),))
    with pytest.raises(UserError, match=r"no column 'body'; it has 'Good food\.', '1', taken from"):
        list(read_documents(config, "body"))
    with pytest.raises(UserError, match=r"line 1 is the header that files\.header gives: leave"):
        _rows(tmp_path / "a.tsv", "text\tlabel\nx\t0\n", header=("text", "label"))
    assert len(_rows(tmp_path / "a.tsv", "x\t0\ny\t1\n", header=("text", "label"))) == 2


def test_lines_with_nothing_on_them_are_no_rows(tmp_path: Path) -> None:
    for name, gap in (("a.tsv", "\t"), ("a.csv", ",")):
        content = f"\ntext{gap}label\nx{gap}0\r\n\r\ny{gap}1\n\n\n"
        for quoting in ("standard", "none", None):
            rows = _rows(tmp_path / name, content, quoting=quoting)
            assert [row["text"] for row in rows] == ["x", "y"]


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl"])
def test_carriage_returns_alone_end_lines_where_nothing_else_does(
    tmp_path: Path, name: str
) -> None:
    table = pandas.DataFrame({"text": ["x", "y"], "label": ["0", "1"]})
    content = {
        "a.tsv": table.to_csv(sep="\t", index=False),
        "a.csv": table.to_csv(index=False),
        "a.jsonl": table.to_json(orient="records", lines=True),
    }[name]
    assert _rows(tmp_path / name, content.replace("\n", "\r")) == table.to_dict("records")


def test_a_quoted_field_is_read_as_the_standard_library_writes_it(tmp_path: Path) -> None:
    rows = [["text", "label"], ['"', "0"], ['a"', "1"], ["tab\there", "0"], ["", "1"], ['""', "0"]]
    for name, delimiter in (("a.csv", ","), ("a.tsv", "\t")):
        stream = io.StringIO()
        csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
        found = _rows(tmp_path / name, stream.getvalue(), quoting="standard")
        assert [list(row.values()) for row in found] == rows[1:]
