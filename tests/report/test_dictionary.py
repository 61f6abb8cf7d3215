from __future__ import annotations

import re
from pathlib import Path

from pipeline.report.dictionary import dictionary
from pipeline.report.tables import NAMES, collect
from tests.report.conftest import CELLS

ROOT = Path(__file__).parents[2]


def test_the_page_is_current() -> None:
    written = (ROOT / "docs/data-dictionary.md").read_text()
    assert written == f"{dictionary()}\n", "python -m pipeline dictionary > docs/data-dictionary.md"


def test_every_column_of_every_table_is_explained(results: Path) -> None:
    tables = collect(results, CELLS, [])
    sections = dictionary().split("\n## ")[1:]
    assert len(sections) == len(NAMES)
    for section in sections:
        name = section.partition("\n")[0]
        rows = re.findall(r"^\| `(\w+)` \| ([\w ]+) \| (.+) \|$", section, re.MULTILINE)
        assert [column for column, _, _ in rows] == list(getattr(tables, name).columns)
        assert all(len(meaning.strip()) > 2 for _, _, meaning in rows)
