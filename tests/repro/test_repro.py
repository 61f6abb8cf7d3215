"""The whole pipeline through DVC: what it leaves, what a change reruns, and what a kill costs."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import pandas as pd
import pytest

from tests.repro.conftest import Study

pytestmark = pytest.mark.repro

CELLS = [
    f"{checkpoint}-{task}"
    for checkpoint in ("s0", "s8")
    for task in ("polarity_short", "paraphrase")
]
ENDING = {"collect", "report"}
# Hand on what a neighbour found; they run when any of its cells did, and change what that changed.
NEAR = {"near@s0", "near@s8"}


def cells(stage: str, *contain: str) -> set[str]:
    return {f"{stage}@{cell}" for cell in CELLS if all(part in cell for part in contain)}


def test_the_study_leaves_its_report(finished: Study) -> None:
    reports = finished.folder / "reports"
    table = pd.read_csv(reports / "cells.csv")
    assert len(table) == 4
    computed = table[table["status"] == "ok"]
    assert "polarity_short" in set(computed["task"]) and computed["d90"].between(8, 512).all()
    for name in ("trajectory", "generalization", "relative_gap"):
        for suffix in ("svg", "png"):
            assert (reports / "figures" / f"{name}.{suffix}").stat().st_size > 1000
    assert "polarity_short" in (reports / "index.html").read_text()
    for command in (["metrics", "show"], ["plots", "show"], ["params", "diff"]):
        assert finished.command("dvc", *command).returncode == 0


def test_nothing_runs_twice(study: Study) -> None:
    assert study.repro() == set()


def test_a_tasks_learning_rate_is_that_tasks_affair(study: Study) -> None:
    params = study.params()
    params["tasks"]["paraphrase"]["finetune"]["learning_rates"] = [0.02]
    study.write(params)
    column = cells("baseline", "paraphrase") | cells("said", "paraphrase")
    # What s0 hands on is read again only if its own search came to something else.
    assert study.quick() | {"near@s8"} == column | NEAR | ENDING


def test_the_grid_reruns_searches_only(study: Study) -> None:
    params = study.params()
    params["said"]["grid"]["ratio"] = 4.0
    study.write(params)
    assert study.quick() == cells("said") | {"near@s8"} | ENDING


def test_another_checkpoint_keeps_all_others(study: Study) -> None:
    params = study.params()
    params["pretrain"]["segments"]["s12"] = {"after": "s8", "step": 12}
    params["trajectory"]["checkpoints"]["s12"] = 12
    params["trajectory"]["near"]["s12"] = "said/s8"
    study.write(params)
    new = {f"{stage}@s12-{task}" for stage in ("baseline", "said") for task in params["tasks"]}
    assert study.quick() == {"pretrain@s12", "near@s12"} | new | ENDING


def test_another_task_computes_its_column(study: Study) -> None:
    params = study.params()
    params["tasks"]["extra"] = deepcopy(params["tasks"]["polarity_short"])
    study.write(params)
    new = {f"{stage}@{name}-extra" for stage in ("baseline", "said") for name in ("s0", "s8")}
    assert study.quick() == {"task@extra"} | new | NEAR | ENDING


def test_a_checkpoints_searches_follow_the_neighbour_that_they_start_from(study: Study) -> None:
    params = study.params()
    params["trajectory"]["near"]["s8"] = "baseline/s8"
    study.write(params)
    starts = [f"results/near/s8/{task}.json" for task in params["tasks"]]
    found = [json.loads((study.folder / path).read_text()) for path in starts]
    assert all(one["checkpoint"] == "s0" for one in found)
    assert study.quick() == {"near@s8"} | cells("said", "s8") | ENDING
    assert [json.loads((study.folder / path).read_text()) for path in starts] == [None, None]


def test_a_colour_redraws_the_report(study: Study) -> None:
    before = study.tables()
    params = study.params()
    params["report"]["palette"] = ["#112233", "#445566"]
    study.write(params)
    assert study.repro() == {"report"}
    assert study.tables() == before
    assert "#112233" in (study.folder / "reports/figures/trajectory.svg").read_text().lower()


def test_editing_the_report_measures_nothing_again(study: Study) -> None:
    for path in sorted((study.folder / "pipeline/report").glob("*.py")):
        path.write_text(path.read_text() + "\n# edited\n")
    assert study.repro() == ENDING


def test_kills_at_any_moment_change_nothing(finished: Study, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "killed")
    kills = [
        (".scratch/pretrain", 2),  # inside a segment, its second save half written
        ("checkpoints/s8/model", 1),  # while writing a checkpoint
        (".scratch/said", 1),  # a probe is done but not in the journal yet
        ("said/s8/polarity_short/result.json", 1),  # the search is over, its result half written
    ]
    # The driver of several stages and DVC alone: either goes on where the other fell.
    driver, dvc = ("python", "-m", "pipeline", "repro", "--jobs", "2"), ("dvc", "repro")
    for (place, time), command in zip(kills, (driver, dvc, driver, driver), strict=True):
        done = study.command(*command, KILL_AT=place, KILL_TIME=str(time))
        assert done.returncode == -9, f"not killed at {place}: {done.stdout[-2000:]}{done.stderr}"
    study.repro()
    assert study.tables() == finished.tables()
    left = [path for path in study.folder.rglob("*.partial") if ".dvc" not in path.parts]
    assert left == []


MISTAKES = {
    "a mistyped key": (lambda p: p["model"].update(layrs=2), "init", "did you mean 'layers'?"),
    "a missing column": (
        lambda p: p["tasks"]["paraphrase"]["data"]["columns"].update(text_a="sentence"),
        "task@paraphrase",
        "no column 'sentence'",
    ),
    "a label outside the map": (
        lambda p: p["tasks"]["paraphrase"]["data"].update(labels=["no", "yes"]),
        "task@paraphrase",
        "label 'not_equivalent' is outside the map",
    ),
    "d below the layers": (
        lambda p: p["said"]["grid"].update(minimum=4), "said@s0-polarity_short", "above the 4 layers"),
    "d above the parameters": (
        lambda p: p["said"]["grid"].update(maximum=10**7), "said@s0-polarity_short", "above the model's D"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_end_in_one_sentence_and_leave_nothing(study: Study, mistake: str) -> None:
    change, stage, sentence = MISTAKES[mistake]
    params = study.params()
    change(params)
    study.write(params)
    done = study.command("dvc", "repro", "--single-item", stage)
    assert done.returncode != 0
    complaint = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(complaint) == 1 and sentence in complaint[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert not list(study.folder.glob("data/**/*.partial"))


def test_a_damaged_checkpoint_is_refused(study: Study) -> None:
    path = study.folder / "checkpoints/s8/model/model.safetensors"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1])
    done = study.command("python", "-m", "stages.baseline", "s8", "polarity_short")
    assert done.returncode == 2
    assert "model.safetensors is missing, truncated or altered" in done.stderr


def test_a_full_disk_is_one_sentence(study: Study) -> None:
    (study.folder / "killer/sitecustomize.py").write_text(
        "import errno, os\n"
        "def full(descriptor):\n"
        "    raise OSError(errno.ENOSPC, 'No space left on device', 'cells.csv')\n"
        "os.fsync = full\n"
    )
    before = study.tables()
    done = study.command("python", "-m", "stages.collect")
    assert done.returncode == 2
    assert "error: the disk is full while writing cells.csv" in done.stderr
    assert study.tables() == before
