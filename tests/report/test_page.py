from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from pipeline.common.artifacts import write_json
from pipeline.report.figures import draw_all
from pipeline.report.page import write_page
from pipeline.report.provenance import Provenance, provenance
from pipeline.report.sentences import sentence
from pipeline.report.style import ReportConfig
from pipeline.report.tables import collect
from pipeline.report.trends import CLAIMS
from tests.report.conftest import CELLS, full_result, search_result, write_cell
from tests.report.zoo import write_sweeps, write_zoo


@pytest.fixture
def page(results: Path, tmp_path: Path) -> str:
    params = tmp_path / "params.yaml"
    params.write_text("seed: 0  # <script>\n")
    write_json(tmp_path / "timing/search/a.json", {"seconds": 7200, "device": "cpu", "threads": 1})
    tables = collect(results, CELLS, [])
    draw_all(tables, ReportConfig(dpi=50), tmp_path / "figures")
    facts = provenance(params, tmp_path / "timing")
    write_page(tables, facts, tmp_path / "figures", tmp_path / "index.html")
    return (tmp_path / "index.html").read_text()


def test_every_cell_and_every_reason_is_there(page: str) -> None:
    # The cells, those without a number, and the fall of each task under its claim.
    assert page.count("<tr><td") == 12 + 6 + 3
    assert "&gt; 4,096" in page
    assert "full is &lt;no&gt; better" in page


def test_claims_are_told_with_their_intervals(page: str) -> None:
    for claim in CLAIMS.values():
        assert f'<td class="claim">{claim.text.format(metric="evaluation accuracy")}</td>' in page
    # easy falls strictly over four checkpoints, which is not enough to decide.
    row = page[page.index('<td class="claim">easy</td>') :].partition("</tr>")[0]
    assert "undecided" in row and "<td>−1.00 [−1.00, 0.32]</td>" in row
    assert "<td>0.042 (≥ 0.042)</td><td>4 checkpoints</td><td>4 (0, 0)</td>" in row
    assert "<td>2 (0, 2)</td>" not in page and "<td>0 (0, 4)</td>" in page


def test_everything_is_escaped_and_inside_the_page(page: str) -> None:
    assert "<script>" not in page and "seed: 0  # &lt;script&gt;" in page
    assert page.count("<svg") == 3
    assert 'src="' not in page and "<link" not in page


def test_figures_have_names_and_ids_of_their_own(page: str) -> None:
    for name in ("Trajectory", "Generalization", "Relative generalization gap"):
        assert f'<svg role="img" aria-label="{name}"' in page
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert used and used <= set(ids)


def test_a_d90_at_the_smallest_d_is_a_bound(results: Path, tmp_path: Path) -> None:
    tables = collect(results, CELLS, [])
    tables.cells.loc[tables.cells["d90"] == 32, "lower"] = pd.NA
    draw_all(tables, ReportConfig(dpi=50), tmp_path)
    facts = Provenance("", "", {}, None, "not recorded")
    write_page(tables, facts, tmp_path, tmp_path / "index.html")
    text = (tmp_path / "index.html").read_text()
    assert "to ≤ 32 at 1000." in text
    assert "<td>≤ 32</td>" in text and "<td>≤ 128</td>" not in text
    assert "wall time" not in text


def test_cost_and_versions_are_told(page: str) -> None:
    assert "2.00 hours of wall time, pretraining not counted, on cpu, 1 thread." in page
    assert "torch 2." in page
    assert "full fine-tuning took 1.2e+03 tokens and 1.2e+10 FLOP" in " ".join(page.split())


def test_sentences_are_computed(results: Path) -> None:
    cells = collect(results, CELLS, []).cells
    said = {task: sentence(task, rows) for task, rows in cells.groupby("task")}
    assert said["easy"] == "easy: d₉₀ falls from 2,048 at update 0 to 32 at 1000."
    assert said["late"] == "late: d₉₀ falls from > 4,096 at update 0 to 1,024 at 1000."
    assert said["never"] == "never: d₉₀ could not be computed at any checkpoint."
    cells["status"] = "not_reached"
    above = sentence("never", cells[cells["task"] == "never"])
    assert above == "never: d₉₀ is > 4,096 from update 0 to 1000."


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([512, 512, 128], "d₉₀ falls from 512 at update 0 to 128 at 2."),
        ([512, 600, 128], "d₉₀ falls, not steadily, from 512 at update 0 to 128 at 2."),
        ([128, None, 512], "d₉₀ rises, not steadily, from 128 at update 0 to 512 at 2."),
        ([128, 64, 128], "d₉₀ is 128 both at update 0 and at 2, but not between them."),
        (["", 512, None], "d₉₀ rises from 512 at update 1 to > 900 at 2; not computable at 1 of 3 checkpoints."),
        ([None, "", ""], "d₉₀ is > 900 at update 0; not computable at 2 of 3 checkpoints."),
    ],
)  # fmt: skip
def test_a_bound_counts_in_the_sentence(values: list, words: str) -> None:
    """None stands for a d90 above the largest d, the empty text for none at all."""
    status = {None: "not_reached", "": "diverged"}
    rows = [
        {
            "step": step,
            "status": status.get(value, "ok"),
            "d90": value or None,
            "lower": 1,
            "d_max": 900,
            "unit": "updates",
        }
        for step, value in enumerate(values)
    ]
    frame = pd.DataFrame(rows).astype({"d90": "Int64"})
    assert sentence("task", frame) == f"task: {words}"


def written(tables, folder: Path) -> str:
    draw_all(tables, ReportConfig(dpi=50), folder)
    write_page(tables, Provenance("", "", {}, None, "not recorded"), folder, folder / "index.html")
    return (folder / "index.html").read_text()


def test_zoo_and_sweep_stand_in_tables_of_their_own(results: Path, tmp_path: Path) -> None:
    text = written(collect(results, write_zoo(results), write_sweeps(results)), tmp_path)
    assert text.count("<svg") == 2 and "Model zoo" in text and "Trajectory." not in text
    row = text[text.index('<td class="left">T5-Base</td>') :].partition("</tr>")[0]
    assert "<td>222,903,552</td>" in row and "<td>&gt; 4,096</td>" in row
    first = text[text.index('<td class="left">SAID</td>') :].partition("</tr>")[0]
    assert "<td>1,608</td>" in first and "<h2>Cells</h2>" not in text
    # Without a trajectory nothing is said of one.
    assert "Claims" not in text and "Along pretraining" not in text


def test_the_page_names_the_tasks_metrics(results: Path, page: str, tmp_path: Path) -> None:
    assert "Metric: accuracy (easy, late, never)." in page
    assert "The evaluation accuracy of full fine-tuning over d₉₀" in page
    for model in ("s0", "s10", "s100", "s1000"):
        full = full_result(model, "late", 0.7, 0.75, metric="matthews", others={"f1": 0.123})
        write_cell(results, full, search_result(full, 64, "ok"))
    mixed = written(collect(results, CELLS, []), tmp_path / "mixed")
    assert "Metric: accuracy (easy, never); Matthews correlation (late)." in mixed
    assert "The evaluation metric of full fine-tuning over d₉₀" in mixed
    assert "evaluation accuracy" not in mixed
    assert '<th scope="col">F1</th>' in mixed and "<td>0.123</td>" in mixed and "F1" not in page
    alone = collect(results, [cell for cell in CELLS if cell.task == "late"], [])
    assert "checkpoints with lower d₉₀ have higher evaluation Matthews correlation" in written(
        alone, tmp_path / "alone"
    )
