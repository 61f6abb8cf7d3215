from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo

from pipeline.errors import UserError
from pipeline.study.reading import load_params
from pipeline.workers import graph
from pipeline.workers.driver import default_jobs, reproduce
from pipeline.workers.graph import Graph

ROOT = Path(__file__).parents[2]
# `left` and `right` wait for each other's first sign: one after the other they would fail.
MEET = (
    "for i in $(seq 300); do touch {own}.sign; test -f {other}.sign && echo {own} > {own} && exit 0;"
    " sleep 0.1; done; exit 1"
)
GRAPH = f"""
stages:
  left:
    cmd: {MEET.format(own="left", other="right")}
    deps: [source]
    outs: [left]
  right:
    cmd: {MEET.format(own="right", other="left")}
    deps: [source]
    outs: [right]
  both:
    cmd: [cat left right > joined, cp .dvc/tmp/rwlock lock]
    deps: [left, right]
    outs: [joined]
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    (tmp_path / "dvc.yaml").write_text(GRAPH)
    (tmp_path / "source").write_text("1")
    return tmp_path


def stale() -> set[str]:
    """What a plain ``dvc repro`` would run."""
    with Repo() as repo:
        return set(repo.status())


def test_several_stages_run_at_a_time_and_leave_dvc_nothing_to_do(repository: Path) -> None:
    assert stale() == {"left", "right", "both"}
    assert reproduce([], jobs=2) == "stages: 3 ran"
    assert (repository / "joined").read_text() == "left\nright\n"
    assert stale() == set()
    assert reproduce([], jobs=2) == "everything is up to date"


def test_each_of_them_has_a_slot_of_its_own(repository: Path) -> None:
    text = GRAPH.replace("echo left >", "echo $PIPELINE_SLOT >")
    text = text.replace("echo right >", "echo $PIPELINE_SLOT >")
    (repository / "dvc.yaml").write_text(text)
    reproduce(["left", "right"], jobs=2)
    assert {(repository / name).read_text() for name in ("left", "right")} == {"0\n", "1\n"}


def test_what_runs_is_kept_from_other_processes_of_dvc(repository: Path) -> None:
    reproduce([], jobs=2)
    held = json.loads((repository / "lock").read_text())
    assert [Path(path).name for path in held["write"]] == ["joined"]
    assert {Path(path).name for path, by in held["read"].items() if by} == {"left", "right"}
    after = json.loads((repository / ".dvc/tmp/rwlock").read_text())
    assert not after.get("write") and not any(after.get("read", {}).values())


def test_another_dvc_may_run_other_stages_meanwhile(repository: Path) -> None:
    inner = f"{sys.executable} -m dvc repro --single-item apart && cp apart inner"
    (repository / "dvc.yaml").write_text(
        f"stages:\n  apart: {{cmd: echo 1 > apart, outs: [apart]}}\n"
        f"  inner: {{cmd: '{inner}', outs: [inner]}}\n"
    )
    assert reproduce(["inner"], jobs=1) == "stages: 1 ran"
    assert stale() == set()


def test_a_result_seen_before_comes_from_the_run_cache(repository: Path) -> None:
    reproduce([], jobs=2)
    (repository / "source").write_text("2")
    for sign in repository.glob("*.sign"):
        sign.unlink()
    # What `both` reads comes out the same, so that it is left alone.
    assert reproduce([], jobs=2) == "stages: 2 ran, 1 unchanged"
    (repository / "source").write_text("1")
    (repository / "joined").unlink()
    assert reproduce([], jobs=1) == "stages: 3 restored from the run cache"
    assert stale() == set()


def test_what_dvc_lock_does_not_list_after_a_kill_is_in_the_run_cache(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Graph, "write_lock", lambda self: None)
    reproduce([], jobs=2)
    assert not (repository / "dvc.lock").exists()
    monkeypatch.undo()
    monkeypatch.chdir(repository)
    assert reproduce([], jobs=2) == "stages: 3 restored from the run cache"
    assert stale() == set()


def test_dvc_lock_is_written_while_a_long_stage_runs(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = (
        "for i in $(seq 100); do test -f dvc.lock && grep -c 'cmd:' dvc.lock > joined && exit 0; "
        "sleep 0.1; done; exit 1"
    )
    (repository / "dvc.yaml").write_text(
        GRAPH.replace("[cat left right > joined, cp .dvc/tmp/rwlock lock]", listed)
    )
    monkeypatch.setattr(graph, "_LOCK_EVERY", 1.0)
    reproduce([], jobs=2)
    assert (repository / "joined").read_text() == "2\n"


def test_only_what_the_targets_need_runs(repository: Path) -> None:
    (repository / "right.sign").touch()
    assert reproduce(["left"], jobs=1) == "stages: 1 ran"
    assert stale() == {"right", "both"}


def test_a_failure_starts_nothing_new_and_keeps_what_ended(repository: Path) -> None:
    text = (repository / "dvc.yaml").read_text()
    (repository / "dvc.yaml").write_text(text.replace("echo left > left", "exit 7"))
    with pytest.raises(
        UserError, match=r"failed: left \(see above\); 1 other stages are left undone"
    ):
        reproduce([], jobs=2)
    assert stale() == {"left", "both"}


def test_a_command_without_its_output_is_one_sentence(repository: Path) -> None:
    (repository / "dvc.yaml").write_text("stages:\n  none:\n    cmd: 'true'\n    outs: [never]\n")
    with pytest.raises(UserError, match="never"):
        reproduce([], jobs=1)


def test_an_unknown_target_is_dvcs_sentence(repository: Path) -> None:
    with pytest.raises(UserError, match="lefft"):
        reproduce(["lefft"], jobs=1)


def test_tracked_data_is_checked(repository: Path) -> None:
    with Repo() as repo:
        repo.add("source")
    (repository / "source").write_text("2")
    assert reproduce([], jobs=2) == "stages: 1 checked, 3 ran"
    assert stale() == set()


@pytest.mark.parametrize(
    ("preset", "cores", "jobs"), [("laptop", 6, 6), ("files", 6, 6), ("zoo", 6, 1), ("paper", 6, 1)]
)
def test_narrow_models_get_a_stage_a_core(
    monkeypatch: pytest.MonkeyPatch, preset: str, cores: int, jobs: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert default_jobs(load_params(ROOT / f"presets/{preset}.yaml")) == jobs


def test_jobs_below_one_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", "repro", "--jobs", "0"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "must be at least 1" in done.stderr
