"""Pages of studies that are large, empty, failed in part, or named by an enemy."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.report.page import write_page
from pipeline.report.page.answer import answer
from pipeline.report.page.claims import decidable
from pipeline.report.page.limits import limits
from pipeline.report.provenance import Provenance
from pipeline.report.sentences import all_numbers_missed
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables, collect
from tests.report.big import study
from tests.report.conftest import CELLS, full_result, search_result, write_cell, write_results

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


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """`easy` falls throughout, `late` from above the grid; `never` has no d₉₀."""
    return write_results(tmp_path / "results")


def test_the_end_of_pretraining_is_not_claimed_without_a_d90_there(results: Path) -> None:
    assert "lower at the end of pretraining for 2 of 3 tasks" in told(results)[0]
    full = full_result("s1000", "easy", 0.95, 1.0)
    found = search_result(full, None, "not_reached", d90_above=False, d90_low=20)
    write_cell(results, full, found)
    assert "lower at the last checkpoint that has one for 2 of 3 tasks" in told(results)[0]


def test_no_factor_is_claimed_from_a_cell_in_which_a_larger_d_did_worse(results: Path) -> None:
    assert "of at least 1.5 for late and of at least 16 for easy" in told(results)[0]
    full = full_result("s0", "easy", 0.8, 1.0)
    write_cell(results, full, search_result(full, 2048, "ok", monotone=False))
    first, *others = told(results)
    assert "for 2 of 3 tasks, by a factor of at least 1.5 for late;" in first
    doubt = "In doubt for easy at s0: a larger d did worse there than a smaller one"
    assert f"{doubt} by more than noise explains." in others
    example = [text for text in others if text.startswith("For ")]
    assert len(example) == 1 and example[0].startswith("For late d₉₀ goes from above 4,096")


def test_tasks_in_doubt_for_one_reason_share_a_sentence(results: Path) -> None:
    tables = collect(results, CELLS, [])
    tables.cells.loc[tables.cells["model"] == "s0", "monotone"] = False
    said = [re.sub(r"<[^>]*>", "", str(line)) for line in answer(tables).details]
    assert [line.partition(" at ")[0] for line in said if line.startswith("In doubt")] == [
        "In doubt for easy and late"
    ]


def test_a_deviation_that_several_cells_share_is_told_once(results: Path) -> None:
    tables = collect(results, CELLS, [])
    tables.cells["full_deviations"] = ""
    tables.cells.loc[tables.cells["task"] == "easy", "full_deviations"] = "two runs"
    tables.cells.loc[tables.cells["task"] == "late", "full_deviations"] = "an early end; two runs"
    assert limits(tables)["deviations"] == {
        "full fine-tuning": ["two runs (easy, late)", "an early end (late)"]
    }


def test_advice_has_a_column_where_there_is_some(results: Path, tmp_path: Path) -> None:
    tables = collect(results, CELLS, [])
    without = tables.cells.assign(advice="")
    column = '<th class="left" scope="col">what to try</th>'
    assert column not in written(replace(tables, cells=without), tmp_path)
    assert column in written(replace(tables, cells=without.assign(advice="more rows")), tmp_path)


def test_a_d90_beyond_the_grid_is_not_said_to_be_known(results: Path) -> None:
    for checkpoint in ("s10", "s100", "s1000"):
        full = full_result(checkpoint, "late", 0.7, 0.75)
        write_cell(results, full, search_result(full, None, "diverged"))
    said = "d₉₀ is known at s0 alone, and there only to lie above the grid, because training"
    assert f"Not so for late: {said} diverged." in told(results)


def test_bounds_that_make_a_sample_too_small_are_named(results: Path) -> None:
    for checkpoint in ("s0", "s10", "s100"):
        full = full_result(checkpoint, "easy", 0.8, 1.0)
        write_cell(results, full, search_result(full, None, "not_reached"))
    said = re.sub(r"<[^>]*>", "", str(decidable(collect(results, CELLS, []))[0]))
    assert "with 4 checkpoints and only a bound for d₉₀ in 5 of 8 cells the clearest" in said
    assert said.endswith("above 0.025: this study can decide none of them; 5 checkpoints could.")


def test_where_all_numbers_missed_training_is_what_to_try(results: Path) -> None:
    assert all_numbers_missed(collect(results, CELLS, []).cells) == ""
    for checkpoint in ("s0", "s10"):
        full = full_result(checkpoint, "late", 0.7, 0.75, parameters=4096)
        found = search_result(full, None, "not_reached", lower=4096, probes=1)
        write_cell(results, full, found)
    page = written(collect(results, CELLS, []), results)
    early = page[page.index("What to try first") : page.index("Task by task")]
    assert "Even d = D missed for late at s0, s10. So many numbers" in early
    assert "Try more finetune.epochs, then other search.rates." in early


def told(results: Path) -> list[str]:
    """The answer's sentences, the headline first."""
    found = answer(collect(results, CELLS, []))
    return [re.sub(r"<[^>]*>", "", str(text)) for text in (found.headline, *found.details)]
