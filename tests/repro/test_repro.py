"""The whole pipeline through DVC: what it leaves, what a change reruns, and what a kill costs."""

from __future__ import annotations

import hashlib
import json
import re
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
# What any edit of params.yaml runs: it writes the settings anew, and the page shows the parameters.
EDITED = {"settings", "report"}
# What new results run as well, up to the tables; the report that follows takes its time.
TABLES = {"settings", "collect"}


def cells(stage: str, *contain: str) -> set[str]:
    return {f"{stage}@{cell}" for cell in CELLS if all(part in cell for part in contain)}


def test_the_study_leaves_its_report(finished: Study) -> None:
    reports = finished.folder / "reports"
    table = pd.read_csv(reports / "cells.csv")
    assert len(table) == 4
    # So easy a target may be reached below the grid: what reached is there all the same.
    assert "polarity_short" in set(table[table["task_d"].notna()]["task"])
    assert table[table["status"] == "ok"]["d90"].between(8, 512).all()
    for name in ("trajectory", "generalization", "relative_gap"):
        for suffix in ("svg", "pdf", "png"):
            assert (reports / "figures" / f"{name}.{suffix}").stat().st_size > 1000
    assert "polarity_short" in (reports / "index.html").read_text()
    for command in (["metrics", "show"], ["plots", "show"], ["params", "diff"]):
        assert finished.command("dvc", *command).returncode == 0


def test_nothing_runs_twice(study: Study) -> None:
    assert study.repro() == set()


def test_a_tasks_learning_rate_is_that_tasks_affair(study: Study) -> None:
    params = study.params()
    params["tasks"]["paraphrase"]["finetune"] = {"learning_rates": [0.02]}
    study.write(params)
    column = cells("baseline", "paraphrase") | cells("search", "paraphrase")
    # What s0 hands on is read again only if its own search came to something else.
    assert study.quick("collect") | {"search@s8-paraphrase"} == column | TABLES


def test_a_default_is_the_affair_of_the_tasks_that_use_it(study: Study) -> None:
    params = study.params()
    params["tasks"]["polarity_short"]["finetune"] = {"batch": 16}
    study.write(params)
    assert study.quick("collect") == {"settings"}
    params["finetune"]["batch"] = 8
    study.write(params)
    assert study.stale() == {"settings", "report"}
    study.repro("settings")
    # Each row of the tables has its cell's settings.
    stale = cells("baseline", "paraphrase") | cells("search", "paraphrase")
    assert study.stale() == {"collect", "report"} | stale


def test_the_grid_reruns_searches_only(study: Study) -> None:
    params = study.params()
    params["search"]["grid"]["ratio"] = 4.0
    study.write(params)
    assert study.quick("collect") == cells("search") | TABLES


def test_another_checkpoint_is_one_line_and_keeps_all_others(study: Study) -> None:
    params = study.params()
    params["checkpoints"]["s12"] = 12
    study.write(params)
    new = {f"{stage}@s12-{task}" for stage in ("baseline", "search") for task in params["tasks"]}
    assert study.quick("collect") == {"pretrain@s12"} | new | TABLES


def test_another_task_computes_its_column(study: Study) -> None:
    params = study.params()
    params["tasks"]["extra"] = deepcopy(params["tasks"]["polarity_short"])
    study.write(params)
    new = {f"{stage}@{name}-extra" for stage in ("baseline", "search") for name in ("s0", "s8")}
    assert study.quick("collect") == {"task@trajectory-extra"} | new | TABLES


def test_searches_follow_the_neighbour_that_they_start_from(study: Study) -> None:
    params = study.params()
    params["trajectory"] = {"neighbours": False}
    study.write(params)
    assert study.quick("collect") == cells("search", "s8") | TABLES


def test_a_colour_redraws_the_report(study: Study) -> None:
    before = study.tables()
    params = study.params()
    params["report"] = {"palette": ["#112233", "#445566"]}
    study.write(params)
    assert study.repro() == EDITED
    assert study.tables() == before
    assert "#112233" in (study.folder / "reports/figures/trajectory.svg").read_text().lower()


def test_a_forgotten_graph_is_noticed_by_dvc_repro_alone(study: Study) -> None:
    graph = (study.folder / "graph.yaml").read_text()
    params = study.params()
    params["checkpoints"]["s12"] = 12
    study.write(params)
    (study.folder / "graph.yaml").write_text(graph)
    done = study.command("dvc", "repro")
    assert done.returncode != 0
    assert "error: graph.yaml does not belong to params.yaml" in done.stderr
    assert "run python -m pipeline graph" in done.stderr
    assert study.command("python", "-m", "pipeline", "graph").stdout == "graph.yaml was written\n"
    assert study.repro("pretrain@s12") == {"settings", "pretrain@s12"}


def test_dvcs_own_commands_know_params_yaml(study: Study) -> None:
    """``dvc params diff`` and ``dvc exp run -S``, beside the hand edits of all other tests."""
    study.commit()
    done = study.command(
        "dvc", "exp", "run", "-S", "+report.width_mm=90", "-S", "finetune.batch=16", "collect"
    )
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"Running stage '(.+?)'", done.stdout)) == {"settings"}
    assert study.params()["report"]["width_mm"] == 90
    diff = json.loads(study.command("dvc", "params", "diff", "--json").stdout)
    assert diff["params.yaml"]["report.width_mm"]["new"] == 90
    line = study.command("dvc", "exp", "run", "-S", "+checkpoints.s12=12")
    assert line.returncode != 0 and "run python -m pipeline graph" in line.stdout + line.stderr


def test_kills_at_any_moment_change_nothing(finished: Study, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "killed")
    kills = [
        (".scratch/pretrain", 2),  # inside a segment, its second save half written
        ("checkpoints/s8/model", 1),  # while writing a checkpoint
        (".scratch/search", 1),  # a probe is done but not in the journal yet
        ("search/s8/polarity_short/result.json", 1),  # the search is over, its result half written
    ]
    # The driver of several stages and DVC alone: either goes on where the other fell.
    driver, dvc = ("python", "-m", "pipeline", "repro", "--jobs", "2"), ("dvc", "repro")
    for (place, time), command in zip(kills, (driver, dvc, driver, driver), strict=True):
        done = study.command(*command, KILL_AT=place, KILL_TIME=str(time))
        assert done.returncode == -9, f"not killed at {place}: {done.stdout[-2000:]}{done.stderr}"
    # DVC alone adds to dvc.lock what it makes; the driver has an order, whatever was made first.
    study.driver(jobs=2)
    assert study.tables() == finished.tables()
    assert study.repro() == set()
    for name in ("dvc.lock", "reports/index.html"):
        assert (study.folder / name).read_bytes() == (finished.folder / name).read_bytes(), name
    assert study.cached() == finished.cached()
    left = [path for path in study.folder.rglob("*.partial") if ".dvc" not in path.parts]
    assert left == []


MISTAKES = {
    "a mistyped key": (lambda p: p["model"].update(layrs=2), "settings", "did you mean 'layers'?"),
    "a missing column": (
        lambda p: p["data"]["columns"].update(text_a="sentence"),
        "task@trajectory-paraphrase",
        "no column 'sentence'",
    ),
    "a label outside the map": (
        lambda p: p["tasks"]["paraphrase"]["data"].update(labels=["no", "yes"]),
        "task@trajectory-paraphrase",
        "label 'not_equivalent' is outside the map",
    ),
    "d below the layers": (
        lambda p: p["search"]["grid"].update(minimum=4), "search@s0-polarity_short", "above the 4 layers"),
    "d above the parameters": (
        lambda p: p["search"]["grid"].update(maximum=10**7), "search@s0-polarity_short", "above the model's D"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_end_in_one_sentence_and_leave_nothing(study: Study, mistake: str) -> None:
    change, stage, sentence = MISTAKES[mistake]
    params = study.params()
    change(params)
    study.write(params)
    study.command("python", "-m", "stages.settings")
    module = f"stages.{stage.partition('@')[0]}"
    done = study.command("python", "-m", module, DVC_STAGE=stage)
    assert done.returncode == 2
    complaint = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(complaint) == 1 and sentence in complaint[0]
    assert "Traceback" not in done.stdout + done.stderr
    assert not list(study.folder.glob("data/**/*.partial"))


def test_a_damaged_checkpoint_is_refused(study: Study) -> None:
    path = study.folder / "checkpoints/s8/model/model.safetensors"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1])
    done = study.command("python", "-m", "stages.baseline", DVC_STAGE="baseline@s8-polarity_short")
    assert done.returncode == 2
    assert "model.safetensors is missing, truncated or altered" in done.stderr


def test_a_result_that_was_edited_in_dvcs_cache_too_is_named_and_healed(study: Study) -> None:
    """The result and DVC's copy are one file; DVC, which looks at its mode, believes it."""
    before = study.tables()
    path = study.folder / "results/baseline/s8/paraphrase/result.json"
    mode = path.stat().st_mode
    assert mode & 0o222 == 0
    link = study.folder / ".dvc/cache/files/md5" / object_of(path)
    path.unlink()  # copying the study has made two files of them
    path.hardlink_to(link)
    path.chmod(0o644)
    path.write_text(path.read_text().replace('"step": 8', '"step": 9'))
    path.chmod(mode)
    study.command("dvc", "repro")  # may find nothing to do
    done = study.command("python", "-m", "stages.collect")
    assert done.returncode == 2
    assert "s8/paraphrase/result.json is missing, truncated or altered" in done.stderr
    assert "run python -m pipeline heal, then dvc repro" in done.stderr
    healed = study.command("python", "-m", "pipeline", "heal").stdout
    assert "results/baseline/s8/paraphrase/result.json" in healed
    assert "baseline@s8-paraphrase" in study.quick()
    assert study.tables() == before


def object_of(path: Path) -> str:
    """Where DVC's cache has a file."""
    md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    return f"{md5[:2]}/{md5[2:]}"


def test_force_means_anew(study: Study) -> None:
    stage = "baseline@s0-polarity_short"
    done = study.command("dvc", "repro", "--force", "--single-item", stage)
    assert "made before, and asked for again: nothing of it is reused" in done.stdout
    assert "full fine-tuning 1: learning rate" in done.stdout
    assert study.stale() == set()


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
