"""Pages of studies that are large, empty, failed in part, or named by an enemy."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from pipeline.report.page import write_page
from pipeline.report.provenance import Provenance
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables, collect
from tests.report.big import study

HOSTILE = ("<script>alert(1)</script>", "\"quoted\" & 'single'", "=cmd()|' /C calc'!A0")


def written(tables: Tables, folder: Path) -> str:
    path = folder / "index.html"
    write_page(tables, Provenance("", "", {}, ""), path, config=ReportConfig())
    return path.read_text()


def headline(html: str) -> str:
    found = re.search(r'<p class="headline">(.*?)</p>', html, re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]*>", "", found[1])


def test_a_study_of_the_papers_size_is_quick_and_small(tmp_path: Path, monkeypatch) -> None:
    tables = study(tmp_path, monkeypatch)
    assert (len(tables.cells), len(tables.probes)) == (126, 1512)
    start = time.process_time()
    html = written(tables, tmp_path)
    # Processor time, because other tests run beside it.
    assert time.process_time() - start <= 10
    assert len(html.encode()) <= 2.5e6
    assert headline(html).startswith("d₉₀ falls along pretraining for all 6 tasks, by a factor of")


@pytest.mark.parametrize(
    ("checkpoints", "statuses", "said"),
    [
        (0, ("ok",), "Nothing was measured yet."),
        (1, ("ok",), "One checkpoint was measured, so nothing can be said about how d₉₀ moves."),
        (3, ("not_reached",), "No task has a d₉₀ that could be located at two checkpoints"),
        (3, ("diverged",), "d₉₀ could not be computed for any task at any checkpoint."),
        (3, ("ok",), "too few checkpoints to tell a fall from chance"),
        (6, ("ok", "diverged"), "d₉₀ falls along pretraining for 1 of 2 tasks"),
    ],
    ids=["empty", "single", "censored", "failed", "short", "partly failed"],
)  # fmt: skip
def test_the_answer_fits_the_study(
    checkpoints: int, statuses: tuple[str, ...], said: str, tmp_path: Path, monkeypatch
) -> None:
    tables = study(
        tmp_path,
        monkeypatch,
        checkpoints=checkpoints,
        tasks=("a", "b"),
        probes=2,
        statuses=statuses,
    )
    html = written(tables, tmp_path)
    assert said in headline(html)
    if statuses == ("ok", "diverged"):
        assert "Not so for b: there is no d₉₀ at any checkpoint, because training diverged." in html


def test_too_small_a_sample_is_said_before_the_verdicts(tmp_path: Path, monkeypatch) -> None:
    html = written(
        study(tmp_path, monkeypatch, checkpoints=3, tasks=("a", "b"), probes=1), tmp_path
    )
    said = html.index("this study can decide none of them, whatever it finds; 5 checkpoints could.")
    assert said < html.index('class="status sample_too_small"')
    assert ">undecided<" not in html


def test_hostile_names_are_texts(tmp_path: Path, monkeypatch) -> None:
    tables = study(
        tmp_path, monkeypatch, checkpoints=2, tasks=HOSTILE, probes=1, label=HOSTILE[0] + "{}"
    )
    html = written(tables, tmp_path)
    assert "<script>alert" not in html and "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert html.count("</script>") == 3 and "\\u003cscript\\u003ealert(1)" in html
    for tag in re.findall(r"<input[^>]*value=[^>]*>", html):
        assert re.fullmatch(r'<input( [\w-]+(="[^"<]*")?)*>', tag), tag


def test_nothing_at_all_is_a_page(tmp_path: Path) -> None:
    html = written(collect(tmp_path, [], []), tmp_path)
    assert "Nothing was measured yet." in html and "Claims" not in html
