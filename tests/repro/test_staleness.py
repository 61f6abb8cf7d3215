"""An edit of the code or of a file makes exactly the stages stale whose results it decides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.finetuning.result import FullResult
from tests.repro.conftest import Study

pytestmark = pytest.mark.repro

CELLS = [f"{name}-{task}" for name in ("s0", "s8") for task in ("polarity_short", "paraphrase")]
TASKS = {"task@trajectory-polarity_short", "task@trajectory-paraphrase"}
BASELINES = {f"baseline@{cell}" for cell in CELLS}
SEARCHES = {f"search@{cell}" for cell in CELLS}
PRETRAINING = {"init@s0", "pretrain@s8"}
TABLES = {"collect", "report"}
# A cell whose full fine-tuning tells that something was made anew.
CELL, BASELINE = "s0/polarity_short", "baseline@s0-polarity_short"

# What is edited → the stages that must become stale by it, and no others.
EDITS = {
    "accuracy": ("pipeline/tasks", "def accuracy", TASKS | BASELINES | SEARCHES),
    "the flat buffer": (
        "pipeline/training",
        "class FlatParameters",
        PRETRAINING | BASELINES | SEARCHES,
    ),
    "the initial checkpoint": ("pipeline/pretraining", "def init_checkpoint", PRETRAINING),
    "a projection": ("pipeline/subspace", "class DenseGaussian", SEARCHES),
    "the search": ("pipeline/dimension", "def bisect", SEARCHES | TABLES),
    "a figure": ("pipeline/report", "def uncomputable", TABLES),
    "the command line": ("pipeline/estimate", "def describe", set()),
    "the driver": ("pipeline/workers", "def reproduce", set()),
}


def edit(folder: Path, place: str, line: str) -> None:
    """Change the code right where it stands."""
    found = [path for path in (folder / place).rglob("*.py") if f"\n{line}" in path.read_text()]
    assert len(found) == 1, f"{line} is in {found}"
    found[0].write_text(found[0].read_text().replace(f"\n{line}", f"\nEDITED = 1\n\n\n{line}"))


def full_metric(study: Study, cell: str = CELL) -> float:
    """What full fine-tuning reached in a cell."""
    return FullResult.read(study.folder / f"results/baseline/{cell}/result.json").full_metric


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_makes_exactly_its_stages_stale(study: Study, what: str) -> None:
    place, line, stages = EDITS[what]
    edit(study.folder, place, line)
    assert study.stale() == stages


def test_a_dep_that_is_left_out_would_be_noticed(study: Study) -> None:
    graph = study.folder / "dvc.yaml"
    graph.write_text(re.sub(r"        - pipeline/tasks\n| pipeline/tasks,", "", graph.read_text()))
    study.command("dvc", "commit", "--force")
    edit(study.folder, *EDITS["accuracy"][:2])
    assert study.stale() < EDITS["accuracy"][2]


def test_another_accuracy_is_another_result(study: Study) -> None:
    before = full_metric(study)
    path = next(
        path for path in (study.folder / "pipeline/tasks").rglob("*.py")
        if "\ndef accuracy" in path.read_text()
    )  # fmt: skip
    text = path.read_text()
    head, _, body = text.partition("\ndef accuracy")
    body = body.replace("return float(np.mean(", "return 0.5 + 0.5 * float(np.mean(", 1)
    path.write_text(f"{head}\ndef accuracy{body}")
    assert study.driver(BASELINE) == {"task@trajectory-polarity_short", BASELINE}
    assert full_metric(study) > before


def test_a_longer_way_to_say_a_checkpoint_changes_nothing(study: Study) -> None:
    params = study.params()
    params["checkpoints"] = {"s0": 0, "s8": {"step": 8, "after": "s0"}}
    study.write(params)
    assert study.quick("collect") == {"settings"}


def test_other_code_never_takes_results_from_the_journal(study: Study) -> None:
    """Inputs are the same, so only the code tells that the journal's training is another one."""
    before = full_metric(study)
    path = study.folder / "pipeline/finetuning/loop.py"
    path.write_text(
        path.read_text().replace("recipe.learning_rate,", "0.01 * recipe.learning_rate,", 1)
    )
    assert BASELINE in study.driver(BASELINE)
    assert full_metric(study) < before


def test_a_file_that_changed_in_place_never_leaves_old_results(study: Study) -> None:
    """Also a file outside the repository, and one that is only touched changes nothing."""
    rows = study.folder.parent / "rows.tsv"
    good = "".join(
        f"bride ring bride ring {index}\tpositive\ntank bomb tank bomb {index}\tnegative\n"
        for index in range(40)
    )
    rows.write_text("text_a\tlabel\n" + good)
    source = [{"files": {"paths": ["../rows.tsv"]}}]
    params = study.params()
    params["tasks"] = {"own": {"data": {
        "train": source, "eval": source, "columns": {"text_a": "text_a", "text_b": None},
        "labels": ["negative", "positive"],
    }}}  # fmt: skip
    params["checkpoints"] = {"s0": 0}
    study.write(params)
    made = {"file@tasks-own-0", "task@trajectory-own", "baseline@s0-own"}
    assert made <= study.quick("baseline@s0-own")
    before = full_metric(study, "s0/own")
    rows.touch()
    assert made.isdisjoint(study.stale())
    rows.write_text("text_a\tlabel\n" + good.replace("tank bomb", "bride ring"))
    assert made & study.stale() == {"file@tasks-own-0"}
    assert study.repro("baseline@s0-own") == made
    assert full_metric(study, "s0/own") < before
