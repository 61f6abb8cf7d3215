"""Every number on the page is that of a row of a CSV beside it."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pandas as pd
import pytest

from pipeline.common.sealed import write_jsonl
from pipeline.report.page import write_page
from pipeline.report.page.data import _whole
from pipeline.report.provenance import Provenance
from pipeline.report.style import ReportConfig
from pipeline.report.tables import collect, read_tables, write_tables
from tests.report.conftest import CELLS, write_results
from tests.report.zoo import write_sweeps, write_zoo

PICKED = 20


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a study with a trajectory, a zoo, sweeps and a log of pretraining."""
    folder = tmp_path_factory.mktemp("numbers")
    results = write_results(folder / "results")
    log = [{"step": 5, "loss": 3.25, "learning_rate": 0.001}, {"step": 10, "valid_loss": 3.125}]
    write_jsonl(results / "pretraining/s10.jsonl", log, ["s10"])
    cells = [*CELLS, *write_zoo(results)]
    write_tables(collect(results, cells, write_sweeps(results), ["s10"]), folder)
    tables = read_tables(folder)
    facts = Provenance("", "", {}, "")
    write_page(tables, facts, folder / "index.html", config=ReportConfig())
    return folder


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    return (report / "index.html").read_text()


def table(report: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(report / name)


def test_twenty_numbers_of_the_text_at_random(report: Path, html: str) -> None:
    told = re.findall(
        r'<data value="([^"]*)" data-from="([^":]*):(\d+):(\w+)">([^<]*)</data>', html
    )
    assert len(told) > 200
    for value, file, row, column, text in random.Random().sample(told, PICKED):
        known = table(report, file)[column].iloc[int(row)]
        assert float(value) == known, (file, row, column)
        shown = float(text.replace(",", "").replace("−", "-"))
        assert shown == pytest.approx(known, rel=0.06, abs=0.005), (text, known)


def test_twenty_numbers_of_the_charts_at_random(report: Path, html: str) -> None:
    data = re.search(r'id="data">(.*?)</script>', html, re.DOTALL)
    assert data is not None
    tables = json.loads(data[1])["tables"]
    places = [
        (name, column, row)
        for name, columns in tables.items()
        for column, values in columns.items()
        for row in range(len(_whole(values)))
    ]
    for name, column, row in random.Random().sample(places, PICKED):
        known = table(report, f"{name}.csv")[column].iloc[row]
        shown = _whole(tables[name][column])[row]
        if isinstance(known, str):
            assert shown == known
        elif shown is None or shown == "":
            assert pd.isna(known)
        else:
            assert shown == pytest.approx(float(known), rel=1e-5), (name, column, row)


def test_every_number_of_a_table_is_traced(html: str) -> None:
    """A field that is a number alone has to say where it is from."""
    body = html[html.index("<main>") : html.index("</main>")]
    fields = re.findall(r"<td[^>]*>(.*?)</td>", body, re.DOTALL)
    bare = [text for text in fields if re.fullmatch(r"[<>≤≥\s−\d.,–\[\]()]*\d[^<]*", text)]
    assert len(fields) > 150 and [text for text in bare if not re.match(r"[A-Za-z]", text)] == []


def test_the_pages_bytes_follow_from_the_tables(report: Path, tmp_path: Path) -> None:
    tables = read_tables(report)
    write_page(
        tables, Provenance("", "", {}, ""), tmp_path / "again.html",
        config=ReportConfig(),
    )  # fmt: skip
    assert (tmp_path / "again.html").read_bytes() == (report / "index.html").read_bytes()
