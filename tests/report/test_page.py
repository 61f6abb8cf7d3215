from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from pipeline.common.sealed import write_sealed
from pipeline.common.status import SearchEnd
from pipeline.report.charts import CHARTS
from pipeline.report.page import write_page
from pipeline.report.page.answer import answer
from pipeline.report.page.drawn import library
from pipeline.report.parts import plain
from pipeline.report.provenance import Provenance, provenance
from pipeline.report.sentences import sentence
from pipeline.report.shown import d90_parts, interval_parts, paper_parts
from pipeline.report.style import ReportConfig
from pipeline.report.tables import collect
from pipeline.report.trends import CLAIMS
from tests.report.conftest import (
    CELLS,
    full_result,
    search_result,
    write_cell,
    write_results,
)
from tests.report.zoo import write_sweeps, write_zoo

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"


@pytest.fixture(scope="module")
def written_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("page")
    params = folder / "params.yaml"
    params.write_text("seed: 0  # <script>\n")
    results = write_results(folder / "results")
    facts = {"item": "search@s0-easy", "device": "cpu", "threads": 1}
    write_sealed(results / "machine/search/s0-easy.json", facts)
    tables = collect(results, CELLS, [])
    path = folder / "index.html"
    write_page(tables, provenance(params, results / "machine"), path, config=ReportConfig())
    return path.read_text()


@pytest.fixture
def page(written_page: str) -> str:
    """The page without its library and the marks that say where its numbers are from."""
    return without_sources(written_page)


def without_sources(html: str) -> str:
    return re.sub(r'</?data\b[^>]*>| data-sort="[^"]*"', "", html.replace(str(library()), ""))


def test_every_cell_and_every_reason_is_there(page: str) -> None:
    # The cells, those without a number, and the fall of each task under its claim.
    assert page.count("<tr data-row=") == 12 and page.count("<tr><td") == 6 + 3 + 2
    assert "&gt; 4,096" in page
    assert "full is &lt;no&gt; better" in page


def test_claims_are_told_with_their_intervals(page: str) -> None:
    for claim in (one for one in CLAIMS.values() if not one.beyond):
        assert f'<td class="claim">{claim.text.format(metric="evaluation accuracy")}</td>' in page
    # easy falls strictly over four checkpoints, which is not enough to decide.
    row = page[page.index('<td class="claim">easy</td>') :].partition("</tr>")[0]
    assert "sample too small" in row and "<td>−1.00 [−1.00, 0.32]</td>" in row
    assert "<td>0.042 (≥ 0.042)</td><td>4 checkpoints</td><td>4 (0, 0)</td>" in row
    assert "<td>2 (0, 2)</td>" not in page and "<td>0 (0, 4)</td>" in page


def test_everything_is_escaped_and_inside_the_page(page: str) -> None:
    assert "# <script>" not in page and "seed: 0  # &lt;script&gt;" in page
    # Three figures of the trajectory, and the cost.
    assert page.count('<svg role="img"') == 4
    assert 'src="' not in page and "<link" not in page
    assert "http:" not in page.replace(_SVG, "").replace(_XLINK, "") and "https:" not in page


def test_figures_have_names_and_ids_of_their_own(page: str) -> None:
    for start in ("Intrinsic dimension d₉₀ over", "The evaluation accuracy of", "The relative gap"):
        assert f'<svg role="img" aria-label="{start}' in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert used and used <= set(ids)


def test_a_d90_below_the_grid_is_a_bound(results: Path, tmp_path: Path) -> None:
    full = full_result("s1000", "easy", 0.95, 1.0)
    write_cell(results, full, search_result(full, None, "below_grid", "d = 16 reaches"))
    text = written(collect(results, CELLS, []), tmp_path)
    assert "to &lt; 16 at 1000." in text
    assert "<td>&lt; 16</td><td>&lt; 16 – 20</td>" in text
    assert "d = 16 reaches" in text[text.index("Where d₉₀ could not be computed") :]
    assert "Cells were measured on" not in text
    assert '<td class="left">not recorded</td>' in text


def test_estimate_interval_and_the_papers_number_stand_together(page: str) -> None:
    assert "<td>512</td><td>256 – 1,024</td><td>513</td>" in page
    assert "<td>&gt; 4,096</td><td>3,000 – &gt; 4,096</td><td>–</td>" in page
    assert page.count("first reached</th>") == 1


def test_the_page_says_why_searches_ended(page: str, results: Path, tmp_path: Path) -> None:
    for end, count in ((SearchEnd.PRECISION, 6), (SearchEnd.BEYOND, 2)):
        assert f"<em>{end}</em> ({count} of 8): {end.sentence}." in page
    assert "<em>budget</em>" not in page and '<td class="left">precision</td>' in page
    assert "contradict that more dimensions" not in page and "deviate" not in page
    full = full_result("s10", "easy", 0.8, 0.9)
    odd = search_result(full, 64, "ok", monotone=False, deviations=("short probes",))
    write_cell(results, full, odd)
    tables = collect(results, CELLS, [])
    tables.cells.loc[tables.cells["task"] == "late", "full_deviations"] = "one run"
    tables.cells["full_deviations"] = tables.cells["full_deviations"].fillna("")
    text = " ".join(written(tables, tmp_path / "odd").split())
    assert "more than noise explains: easy at s10." in text
    assert "Where probes deviate from what d₉₀ is defined by: short probes (easy)." in text
    # Captions of d₉₀ say so too, but for those of what it cost.
    captions = re.findall(r"<figcaption>(.*?)</figcaption>", text, re.DOTALL)
    told = [one for one in captions if "deviate from the definition" in one]
    assert told and all("d₉₀" in one.partition("deviate from")[0] for one in told)
    assert all(chart.of_d90 == ("d₉₀" in chart.caption) for chart in CHARTS)
    assert len(told) < len(captions)
    assert "Where full fine-tuning deviates from what d₉₀ is defined by: one run (late)." in text


def test_the_page_says_what_the_tasks_rows_are(page: str, results: Path, tmp_path: Path) -> None:
    assert "own rows" not in page
    for model in ("s10", "s100"):
        full = full_result(model, "easy", 0.8, 0.9, data_notes=("3 of 6 <b> are in training too",))
        write_cell(results, full, search_result(full, 64, "ok"))
    tables = collect(results, CELLS, [])
    assert list(tables.cells["data_notes"]).count("3 of 6 <b> are in training too") == 2
    text = written(tables, tmp_path / "notes")
    assert text.count("<li>3 of 6 &lt;b&gt; are in training too (easy).</li>") == 1


@pytest.mark.parametrize(
    ("row", "estimate", "interval", "paper"),
    [
        ({"d90": 300, "d90_low": 90, "d90_high": 2000, "d90_paper": 1100, "lower": 950}, "300", "90 – 2,000", "1,100"),
        ({"d90": 300, "d90_low": None, "d90_high": None}, "300", "< 16 – > 4,096", "–"),
        ({"status": "below_grid", "d90_high": 40, "d90_paper": 16}, "< 16", "< 16 – 40", "≤ 16"),
        ({"status": "below_grid"}, "< 16", "< 16 – > 4,096", "–"),
        ({"status": "below_grid", "d90_high": 16}, "< 16", "< 16", "–"),
        ({"status": "not_reached", "d90_above": True, "d90_low": 3000, "lower": 4096}, "> 4,096", "3,000 – > 4,096", "> 4,096"),
        ({"status": "not_reached", "d90_above": True}, "> 4,096", "< 16 – > 4,096", "–"),
        ({"status": "not_reached", "d90_above": True, "d90_low": 4096}, "> 4,096", "> 4,096", "–"),
        ({"status": "not_reached", "d90_above": True, "d90_low": pd.NA}, "> 4,096", "< 16 – > 4,096", "–"),
        ({"status": "below_grid", "d90_high": pd.NA}, "< 16", "< 16 – > 4,096", "–"),
        ({"status": "not_reached", "d90_low": 51}, "–", "51 – > 4,096", "–"),
        ({"status": "diverged"}, "–", "–", "–"),
    ],
)  # fmt: skip
def test_numbers_and_bounds_as_readers_see_them(
    row: dict, estimate: str, interval: str, paper: str
) -> None:
    nothing = dict.fromkeys(("d90", "d90_low", "d90_high", "d90_paper", "lower"))
    whole = pd.Series(
        {"status": "ok", "d90_above": False, "d_min": 16, "d_max": 4096, **nothing, **row},
        dtype=object,
    )
    shown = (plain(show(whole)) for show in (d90_parts, interval_parts, paper_parts))
    assert tuple(shown) == (estimate, interval, paper)


def test_what_to_try_is_said_first_and_at_each_cell(page: str, results: Path) -> None:
    early = page[page.index("What to try first") : page.index("Task by task")]
    assert "4 of 12 cells" in early and "<li>never at s1000: try more rows.</li>" in early
    assert page[: page.index('id="data"')].count("try more rows") == 1 + 4
    assert collect(results, CELLS, []).summary["tasks"]["never"]["to_try"] == "try more rows"


def test_results_of_different_threads_are_told(page: str, results: Path, tmp_path: Path) -> None:
    assert "threads (columns" not in page
    for model, threads in (("s0", 2), ("s10", 1)):
        full = full_result(model, "easy", 0.8, 0.9, threads=1)
        write_cell(results, full, search_result(full, 64, "ok", threads=threads))
    text = written(collect(results, CELLS, []), tmp_path)
    assert "computed on 1 and 2 threads (columns full_threads and search_threads" in text


def test_cost_and_versions_are_told(page: str) -> None:
    assert '<td>6e+09</td><td class="left">cpu, 1 thread</td>' in page
    assert "Cells were measured on cpu, 1 thread." in page
    assert "Pretraining is not counted." in page and "torch 2." in page
    assert "full fine-tuning</td><td>12</td><td>1,200</td><td>1.2e+10</td>" in page


def test_sentences_are_computed(results: Path) -> None:
    cells = collect(results, CELLS, []).cells
    said = {task: plain(sentence(task, rows)) for task, rows in cells.groupby("task")}
    assert said["easy"] == (
        "easy: d₉₀ falls from 2,048 (1,024 – 4,096) at update 0 to 32 (16 – 64) at 1000."
    )
    assert said["late"] == (
        "late: d₉₀ falls from > 4,096 at update 0 to 1,024 (512 – 2,048) at 1000."
    )
    assert said["never"] == "never: d₉₀ could not be computed at any checkpoint."
    cells["status"], cells["d90_above"] = "not_reached", True
    above = plain(sentence("never", cells[cells["task"] == "never"]))
    assert above == "never: d₉₀ is > 4,096 from update 0 to 1000."


def test_a_task_whose_end_is_unknown_does_not_fall_to_the_end(results: Path) -> None:
    full = full_result("s1000", "easy", 0.95, 1.0)
    write_cell(results, full, search_result(full, None, "not_reached", d90_low=51, d90_above=False))
    said = [without_sources(line) for line in answer(collect(results, CELLS, [])).details]
    assert (
        "For easy d₉₀ goes from 2,048 (95 %: 1,024 – 4,096) at update 0 to 128 (95 %: 64 – 256) at update 100."
        in said
    )
    assert "For easy nothing is known of the end, at s1000: no training reached the target." in said
    assert not any("nothing is known of the end" in line for line in said if "late" in line)
    doubted = collect(results, CELLS, [])
    doubted.cells.loc[doubted.cells["model"] == "s0", "monotone"] = False
    said = [without_sources(line) for line in answer(doubted).details]
    assert any(
        line.startswith("In doubt for easy and late at s0: a larger d did worse there")
        for line in said
    )
    assert "For easy nothing is known of the end, at s1000: no training reached the target." in said


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([512, 512, 128], "d₉₀ falls from 512 (502 – 522) at update 0 to 128 (118 – 138) at 2."),
        ([512, 600, 128], "d₉₀ falls, not steadily, from 512 (502 – 522) at update 0 to 128 (118 – 138) at 2."),
        ([140, 130, 128], "d₉₀ falls from 140 (130 – 150) at update 0 to 128 (118 – 138) at 2, whose intervals overlap."),
        ([128, None, 512], "d₉₀ rises, not steadily, from 128 (118 – 138) at update 0 to 512 (502 – 522) at 2."),
        ([128, 64, 128], "d₉₀ is 128 both at update 0 and at 2, but not between them."),
        (["", 512, None], "d₉₀ rises from 512 (502 – 522) at update 1 to > 900 at 2; not computable at 1 of 3 checkpoints."),
        ([128, 0, 0], "d₉₀ falls from 128 (118 – 138) at update 0 to < 16 at 2."),
        ([0, 0, 0], "d₉₀ is < 16 from update 0 to 2."),
        ([None, "", ""], "d₉₀ is > 900 at update 0; not computable at 2 of 3 checkpoints."),
    ],
)  # fmt: skip
def test_a_bound_counts_in_the_sentence(values: list, words: str) -> None:
    """None stands for a d90 above the grid, 0 for one below it, the empty text for none at all."""
    status = {None: "not_reached", "": "diverged", 0: "below_grid"}
    low, high = {None: 800}, {0: 20}
    rows = [
        {
            "step": step,
            "status": status.get(value, "ok"),
            "d90": value or None,
            "d90_above": value is None,
            "d90_low": value - 10 if value else low.get(value),
            "d90_high": value + 10 if value else high.get(value),
            "d_min": 16,
            "d_max": 900,
            "unit": "updates",
        }
        for step, value in enumerate(values)
    ]
    frame = pd.DataFrame(rows).astype(dict.fromkeys(("d90", "d90_low", "d90_high"), "Int64"))
    assert plain(sentence("task", frame)) == f"task: {words}"


def written(tables, folder: Path) -> str:
    path = folder / "index.html"
    write_page(tables, Provenance("", "", {}, ""), path, config=ReportConfig())
    return without_sources(path.read_text())


def test_zoo_and_sweep_stand_in_tables_of_their_own(results: Path, tmp_path: Path) -> None:
    text = written(collect(results, write_zoo(results), write_sweeps(results)), tmp_path)
    # A panel a model and task of the sweep, the zoo, the cost.
    assert text.count('<svg role="img"') == 4 + 2 and "d₉₀ over model size" in text
    assert "d₉₀ along pretraining" not in text
    row = text[text.index('<td class="left">T5-Base</td>') :].partition("</tr>")[0]
    assert "<td>222,903,552</td>" in row and "<td>&gt; 4,096</td>" in row
    first = text[text.index('<td class="left">SAID</td>') :].partition("</tr>")[0]
    assert (
        "first reached</th>" in text and "<td>1,608</td>" in first and "<h2>Cells</h2>" not in text
    )
    # Without a trajectory nothing is said of one.
    assert "Claims" not in text and "No checkpoints of one pretraining were measured" in text


def test_the_page_names_the_tasks_metrics(results: Path, page: str, tmp_path: Path) -> None:
    assert "Metric: accuracy (easy, late, never)." in page
    assert "The evaluation accuracy of full fine-tuning over d₉₀" in page
    for model in ("s0", "s10", "s100", "s1000"):
        full = full_result(model, "late", 0.7, 0.75, metric="matthews", others={"f1": 0.123})
        write_cell(results, full, search_result(full, 64, "ok"))
    mixed = written(collect(results, CELLS, []), tmp_path / "mixed")
    assert "Metric: accuracy (easy, never); Matthews correlation (late)." in mixed
    assert "The evaluation metric of full fine-tuning over d₉₀" in mixed
    # Tasks are compared by the metric of most of them, and it is said which are left out.
    assert mixed.count("evaluation accuracy") == 2
    assert "tasks with higher evaluation accuracy of full fine-tuning have" in mixed
    assert "and leave out late." in " ".join(mixed.split()) and "leave out" not in page
    assert '<th scope="col">F1</th>' in mixed and "<td>0.123</td>" in mixed and "F1" not in page
    alone = collect(results, [cell for cell in CELLS if cell.task == "late"], [])
    assert "checkpoints with lower d₉₀ have higher evaluation Matthews correlation" in written(
        alone, tmp_path / "alone"
    )
