from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.artifacts import write_json
from pipeline.report.figures import draw_all
from pipeline.report.page import sentence, write_page
from pipeline.report.provenance import provenance
from pipeline.report.style import ReportConfig
from pipeline.report.tables import collect
from tests.report.conftest import CHECKPOINTS, TASKS


@pytest.fixture
def page(results: Path, tmp_path: Path) -> str:
    params = tmp_path / "params.yaml"
    params.write_text("seed: 0  # <script>\n")
    write_json(tmp_path / "timing/said/a.json", {"seconds": 7200, "device": "cpu", "threads": 1})
    tables = collect(results, CHECKPOINTS, TASKS)
    draw_all(tables, ReportConfig(), tmp_path / "figures")
    facts = provenance(params, tmp_path / "timing")
    write_page(tables, facts, tmp_path / "figures", tmp_path / "index.html")
    return (tmp_path / "index.html").read_text()


def test_every_cell_and_every_reason_is_there(page: str) -> None:
    assert page.count("<tr><td") == 12 + 6
    assert "&gt; 4,096" in page
    assert "full is &lt;no&gt; better" in page


def test_everything_is_escaped_and_inside_the_page(page: str) -> None:
    assert "<script>" not in page and "seed: 0  # &lt;script&gt;" in page
    assert page.count("<svg") == 3
    assert 'src="' not in page and "<link" not in page


def test_cost_and_versions_are_told(page: str) -> None:
    assert "2.00 hours of wall time on cpu, 1 threads" in page
    assert "torch 2." in page
    assert "1.2e+10 FLOP of full fine-tuning" in page


def test_sentences_are_computed(results: Path) -> None:
    cells = collect(results, CHECKPOINTS, TASKS).cells
    said = {task: sentence(task, rows) for task, rows in cells.groupby("task")}
    assert said["easy"] == "easy: d₉₀ falls from 2048 at update 0 to 32 at 1000."
    assert "both at update 100, where it first becomes computable, and at 1000" in said["late"]
    assert said["never"] == "never: d₉₀ could not be computed at any checkpoint."
