"""Every status of method §2, reached by training alone, and read off everything that is reported."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from pipeline.common.artifacts import read_json
from pipeline.common.status import Status
from pipeline.dimension.grid import GridConfig
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SearchConfig
from pipeline.probes.search import search_cell
from pipeline.report.cell import MeasuredCell
from pipeline.report.figures import draw_all
from pipeline.report.page import write_page
from pipeline.report.provenance import Provenance
from pipeline.report.style import ReportConfig
from pipeline.report.tables import Tables, collect, read_tables, write_tables
from pipeline.subspace.config import SubspaceConfig
from pipeline.tasks.prepare import prepare_task
from pipeline.text.files import FilesConfig
from pipeline.text.sources import RowSource, SyntheticRows
from tests.worlds import task_config

EASY = FinetuneConfig(epochs=8, batch=16, learning_rates=(1e-2,), dropout=0.0)
ONE_EPOCH = replace(EASY, epochs=1)
BLOWN_UP = replace(ONE_EPOCH, learning_rates=(1e30,))
SEARCH = SearchConfig(GridConfig(8, 2048, 16.0), fraction=0.7, rates=(0.35,), epochs=8)
HARD = replace(SEARCH, grid=GridConfig(8, 9), fraction=1.0, epochs=1)


@dataclass(frozen=True)
class Case:
    """A cell: its task, its two configs, its status, and a piece of the reason given."""

    task: str
    finetune: FinetuneConfig
    search: SearchConfig
    status: Status
    reason: str


# Each takes its own way through the real measurements; none is told what a number should be.
CASES = {
    "learned": Case("easy", EASY, SEARCH, Status.OK, ""),
    "too_small": Case("easy", EASY, HARD, Status.NOT_REACHED, "d₉₀ lies above 9, the largest d of the grid"),
    "too_easy": Case("easy", EASY, replace(SEARCH, grid=GridConfig(512, 2048, 4.0)), Status.BELOW_GRID, "d₉₀ lies below 512, the smallest d of the grid"),
    "guessing": Case("noise", ONE_EPOCH, SEARCH, Status.BASELINE_AT_CHANCE, "full fine-tuning reaches"),
    "lopsided": Case("lopsided", EASY, replace(SEARCH, fraction=0.9), Status.TARGET_BELOW_CHANCE, "the target"),
    "blown_up": Case("easy", EASY, replace(HARD, rates=(1e30,)), Status.DIVERGED, "every training diverged, with every learning rate"),
    "blown_up_fully": Case("easy", BLOWN_UP, SEARCH, Status.DIVERGED, "full fine-tuning: the loss became infinite"),
}  # fmt: skip


def tsv(path: Path, rows: list[tuple[str, str]]) -> RowSource:
    """Rows of text and label as a file, and as a source."""
    path.write_text("text_a\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in rows))
    return RowSource(files=FilesConfig((str(path),)))


def weighted(world: Path, root: Path, name: str, label: Callable[[int, str], str | None]) -> None:
    """The easy task with each row relabelled, or left out where the label is None."""
    sources = {}
    for split, count in (("train", 2000), ("eval", 800)):
        found = RowSource(synthetic=SyntheticRows("polarity_short", split, count)).rows(0)
        rows = [
            (str(row["text_a"]), new)
            for index, row in enumerate(found)
            if (new := label(index, str(row["label"])))
        ]
        sources[split] = (tsv(root / f"{name}-{split}.tsv", rows),)
    whole = task_config("polarity_short")
    config = replace(whole, train=sources["train"], eval=sources["eval"])
    prepare_task(name, config, world / "tokenizer", 0, root / name)


@pytest.fixture(scope="module")
def study(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases measured; ``results/`` as DVC's stages leave it."""
    root = tmp_path_factory.mktemp("statuses")
    prepare_task("easy", task_config("polarity_short"), world / "tokenizer", 0, root / "easy")
    # Three of four are positive whatever the text says: guessing that is the best there is.
    weighted(
        world, root, "noise", lambda index, label: "negative" if index % 4 == 0 else "positive"
    )
    # One negative in 13: the majority class is right in 0.923, above 0.9 of any accuracy.
    weighted(
        world, root, "lopsided",
        lambda index, label: label if label == "positive" or index % 24 < 2 else None,
    )  # fmt: skip
    for name, case in CASES.items():
        places = [root / "results" / kind / "s0" / name for kind in ("baseline", "search")]
        full = fine_tune_fully(
            open_(world, root, name, case), case.finetune, root / name / "a", places[0],
            demand=case.search.demand(),
        )  # fmt: skip
        search_cell(
            open_(world, root, name, case), search=case.search, subspace=SubspaceConfig(),
            finetune=case.finetune, full=full, neighbour=None, scratch=root / name / "b",
            out=places[1],
        )  # fmt: skip
    return root


def open_(world: Path, root: Path, name: str, case: Case) -> Cell:
    return Cell.open(
        name="s0", task=name, model_dir=world / "model", task_dir=root / case.task,
        config=case.finetune, seed=0, device=torch.device("cpu"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def tables(study: Path) -> Tables:
    cells = [MeasuredCell("s0", "s0", "trajectory", name, "updates") for name in CASES]
    write_tables(collect(study / "results", cells, []), study / "reports")
    return read_tables(study / "reports")


def test_every_status_is_among_the_cases() -> None:
    assert {case.status for case in CASES.values()} == set(Status)


@pytest.mark.parametrize("name", CASES)
def test_the_status_and_its_reason_are_recorded(study: Path, name: str) -> None:
    result = read_json(study / "results/search/s0" / name / "result.json")
    assert result["status"] == CASES[name].status
    assert CASES[name].reason in result["reason"]
    assert (result["d90"] is not None) == (result["status"] == Status.OK)
    searched = name in ("learned", "too_small", "too_easy", "blown_up")
    assert (result["probes"] > 0) == (result["ended"] is not None) == searched


def test_the_reasons_hold(study: Path) -> None:
    """What the reasons say is so in the numbers that training gave."""
    full = {name: read_json(study / "results/baseline/s0" / name / "result.json") for name in CASES}
    assert full["guessing"]["full_metric"] <= full["guessing"]["chance"] == pytest.approx(0.75)
    assert full["guessing"]["status"] == Status.BASELINE_AT_CHANCE
    lopsided = full["lopsided"]
    assert 0.9 < lopsided["chance"] < lopsided["full_metric"]
    assert full["blown_up_fully"]["full_metric"] is None


@pytest.mark.parametrize("name", CASES)
def test_baseline_and_search_name_one_status(study: Path, name: str) -> None:
    full, search = (
        read_json(study / "results" / stage / "s0" / name / "result.json")
        for stage in ("baseline", "search")
    )
    searched = search["probes"] > 0
    assert full["status"] == (Status.OK if searched else search["status"])
    assert full["reason"] in search["reason"] and bool(full["advice"]) != searched


def test_cells_csv_has_the_reasons(study: Path, tables: Tables) -> None:
    frame = pd.read_csv(study / "reports/cells.csv").set_index("task")
    assert {name: frame.loc[name, "status"] for name in CASES} == {
        name: str(case.status) for name, case in CASES.items()
    }
    for name, case in CASES.items():
        if case.reason:
            assert case.reason in frame.loc[name, "reason"]
    assert tables.summary["statuses"] == {
        "baseline_at_chance": 1, "below_grid": 1, "diverged": 2, "not_reached": 1, "ok": 1,
        "target_below_chance": 1,
    }  # fmt: skip


def test_figures_and_page_show_them(study: Path, tables: Tables) -> None:
    draw_all(tables, ReportConfig(dpi=50), study / "figures")
    svg = (study / "figures/trajectory.svg").read_text()
    assert "above-s0-too_small" in svg and "above-s0-learned" not in svg
    assert '"below-s0-too_easy"' in svg and '"below-s0-learned"' not in svg
    for text in (
        "no better than chance: guessing at 0",
        "the target is no better than chance: lopsided at 0",
        "diverged: blown_up at 0; blown_up_fully at 0",
    ):
        assert text in svg.replace("\n", " ")
    facts = Provenance("", "", {}, "not recorded")
    write_page(tables, facts, study / "index.html", config=ReportConfig())
    page = (study / "index.html").read_text()
    table = page[page.index("Where d₉₀ could not be computed") :]
    for case in CASES.values():
        if case.reason:
            assert re.search(rf'class="status {case.status}"[^>]*>{case.status}<', table)
            assert case.reason in table
