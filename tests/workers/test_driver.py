from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from multiprocessing import connection
from pathlib import Path

import pytest
from dvc.commands.repro import add_arguments
from dvc.repo import Repo
from dvc.utils.serialize import dump_yaml, load_yaml

from pipeline.__main__ import main
from pipeline.errors import UserError
from pipeline.study.reading import load_params
from pipeline.workers import driver, graph, local, process
from pipeline.workers.death import Peak
from pipeline.workers.driver import default_jobs, reproduce
from pipeline.workers.graph import Graph
from pipeline.workers.leftovers import clear_leftovers
from pipeline.workers.options import Options
from tests.running.conftest import Disk, disk  # noqa: F401

ROOT = Path(__file__).parents[2]
# `left` and `right` wait for each other's first sign: one after the other they would fail.
MEET = (
    "for i in $(seq 1200); do touch {own}.sign; test -f {other}.sign && echo {own} > {own} && exit 0;"
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
        "for i in $(seq 1200); do test -f dvc.lock && grep -c 'cmd:' dvc.lock > joined && exit 0; "
        "sleep 0.1; done; exit 1"
    )
    (repository / "dvc.yaml").write_text(
        GRAPH.replace("[cat left right > joined, cp .dvc/tmp/rwlock lock]", listed)
    )
    monkeypatch.setattr(graph, "_LOCK_EVERY", 1.0)
    reproduce([], jobs=2)
    assert (repository / "joined").read_text() == "2\n"


# Each waits until the ones before it in the list have ended, whatever DVC's own order is.
ENDING = (
    "for i in $(seq 1200); do test {after} && echo {own} > {own} && exit 0; sleep 0.1; done; exit 1"
)


def ending(*order: str) -> str:
    """A graph of three stages that end in this order, and one that needs them all."""
    text = "stages:\n"
    for name in "abc":
        before = " -a ".join(f"-f {other}" for other in order[: order.index(name)]) or "1"
        command = ENDING.format(own=name, after=before)
        text += f"  {name}:\n    cmd: {command}\n    deps: [source]\n    outs: [{name}]\n"
    return f"{text}  all:\n    cmd: cat a b c > all\n    deps: [c, b, a]\n    outs: [all]\n"


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_dvc_lock_is_that_of_dvc_alone_whatever_ended_first(
    repository: Path, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (repository / "dvc.yaml").write_text(ending(*order))
    monkeypatch.setattr(graph, "_LOCK_EVERY", 0.0)
    reproduce([], jobs=3)
    lock = (repository / "dvc.lock").read_bytes()
    shutil.rmtree(repository / ".dvc/cache")
    for name in ("dvc.lock", "all", *order):
        (repository / name).unlink()
    for name in order:
        # One after the other, each finds what it waits for.
        with Repo() as repo:
            repo.reproduce([name], single_item=True)
    (repository / "dvc.lock").unlink()
    with Repo() as repo:
        repo.reproduce()
    assert (repository / "dvc.lock").read_bytes() == lock


def test_an_order_that_others_left_in_dvc_lock_is_mended(repository: Path) -> None:
    (repository / "dvc.yaml").write_text(ending("a", "b", "c"))
    reproduce([], jobs=3)
    lock = repository / "dvc.lock"
    proper = lock.read_text()
    content = load_yaml(lock)
    content["stages"] = dict(reversed(content["stages"].items()))
    dump_yaml(lock, content)
    assert lock.read_text() != proper
    assert reproduce([], jobs=3) == "everything is up to date"
    assert lock.read_text() == proper


def test_dvcs_list_of_users_that_was_cut_short_is_mended(repository: Path) -> None:
    reproduce(["left", "right"], jobs=2)
    (repository / ".dvc/tmp/rwlock").write_text('{"write": {')
    assert reproduce([], jobs=1) == "stages: 1 ran, 2 unchanged"
    assert stale() == set()


def test_a_place_of_the_run_cache_that_a_kill_left_empty_is_no_place(repository: Path) -> None:
    graph = "stages: {made: {cmd: cp source made, deps: [source], outs: [made]}}"
    (repository / "dvc.yaml").write_text(graph)
    reproduce([], jobs=1)
    (listed,) = (path for path in (repository / ".dvc/cache/runs").rglob("*") if path.is_file())
    for path in (listed, repository / "dvc.lock"):
        path.unlink()
    assert reproduce([], jobs=1) == "stages: 1 ran"
    assert listed.exists()


class Endless:
    """A command that another Ctrl-C finds not ended yet."""

    pid, exitcode = os.getpid(), None

    def __init__(self) -> None:
        self.sentinel = os.pipe()[0]

    def terminate(self) -> None:
        pass

    def join(self) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("started", [True, False])
def test_nothing_is_held_any_more_when_the_driver_ends(
    repository: Path, monkeypatch: pytest.MonkeyPatch, started: bool
) -> None:
    """Python would hang at its end: DVC lets go of a stage's paths with a new thread."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "start", (lambda *_: Endless()) if started else interrupted)
    monkeypatch.setattr(connection, "wait", interrupted)
    # What was raised keeps all frames, and so whatever they still hold.
    with pytest.raises(KeyboardInterrupt) as held:
        reproduce(["left"], jobs=1)
    assert not any(json.loads((repository / ".dvc/tmp/rwlock").read_text()).values()), held


def test_a_disk_that_is_full_when_a_result_is_taken_in_is_one_sentence(
    disk: Disk,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once there is room the same command ends in what it would have been."""
    monkeypatch.chdir(disk.folder)
    disk.remount("size=2m")
    Repo.init(no_scm=True).close()
    Path("dvc.yaml").write_text(
        "stages: {large: {cmd: 'head -c 1200000 /dev/zero > large', outs: [large]}}"
    )
    with pytest.raises(UserError, match=r"^the disk is full") as caught:
        reproduce([], jobs=1)
    assert "\n" not in str(caught.value)
    disk.remount("size=32m")
    assert reproduce([], jobs=1) == "stages: 1 ran"
    assert stale() == set()
    assert [
        path.stat().st_size for path in Path(".dvc/cache/files").rglob("*") if path.is_file()
    ] == [1200000]


def test_a_killed_command_says_by_what_and_what_to_lower(
    repository: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Peak.look

    def looked(peak: Peak) -> None:
        look(peak)
        (repository / "looked").touch()

    monkeypatch.setattr(Peak, "look", looked)
    monkeypatch.setattr(local, "_LOOK_EVERY", 0.1)
    (repository / "dvc.yaml").write_text(
        "stages: {own: {cmd: 'until test -f looked; do sleep 0.1; done; kill -9 $$', outs: [own]}}"
    )
    with caplog.at_level("INFO"), pytest.raises(UserError, match="failed: own"):
        reproduce([], jobs=1)
    told = caplog.messages[-1]
    assert "stage 'own' was killed by signal 9 (SIGKILL), as the system does when memory" in told
    assert "(it held up to 0.0" in told and told.endswith("or end what else runs here")


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


FLAGS = [
    "--force", "-f", "--dry", "--single-item", "-s", "--keep-going", "-k", "--allow-missing",
]  # fmt: skip


@pytest.mark.parametrize("flag", FLAGS)
def test_an_option_is_called_as_with_dvc(monkeypatch: pytest.MonkeyPatch, flag: str) -> None:
    seen: list[Options] = []
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(driver, "reproduce", lambda *given: seen.append(given[2]) or "done")
    monkeypatch.setattr(sys, "argv", ["pipeline", "repro", flag, "collect"])
    assert main() == 0
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    dvcs = parser.parse_args([flag, "collect"])
    expected = {
        name: getattr(dvcs, name) for name in ("force", "dry", "single_item", "allow_missing")
    }
    assert seen == [Options(**expected, keep_going=dvcs.on_error == "keep-going")]
    assert seen != [Options()]


CHAIN = """
stages:
  first: {cmd: cat source > first && echo 1 >> runs, deps: [source], outs: [first]}
  second: {cmd: cat first > second, deps: [first], outs: [second]}
  apart: {cmd: cat source > apart, deps: [source], outs: [apart]}
"""


@pytest.fixture
def chain(repository: Path) -> Path:
    """Two stages in a row and one beside them, all up to date."""
    (repository / "dvc.yaml").write_text(CHAIN)
    reproduce([], jobs=1)
    return repository


def test_what_was_edited_while_its_stage_ran_leaves_it_stale(
    repository: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """DVC itself would take the result for that of the edited file."""
    edit = "cat source > made; echo 2 > source"
    (repository / "dvc.yaml").write_text(
        f"stages: {{own: {{cmd: '{edit}', deps: [source], outs: [made]}}}}\n"
    )
    caplog.set_level("INFO")
    reproduce([], jobs=1)
    assert "Stage 'own' is stale again: source changed while it ran" in caplog.text
    assert stale() == {"own"}
    # The result is filed under what it was made from, in the run cache too.
    (repository / "source").write_text("1")
    assert stale() == set()
    (repository / "dvc.lock").unlink()
    assert reproduce([], jobs=1) == "stages: 1 restored from the run cache"
    assert (repository / "made").read_text() == "1"


def test_force_runs_what_is_up_to_date(chain: Path) -> None:
    assert reproduce([], jobs=1, options=Options(force=True)) == "stages: 3 ran"
    assert (chain / "runs").read_text() == "1\n1\n"
    assert stale() == set()


def test_dry_says_what_would_run_and_changes_nothing(
    chain: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (chain / "source").write_text("2")
    lock = (chain / "dvc.lock").read_bytes()
    caplog.set_level("INFO")
    # What reads `first` is stale only once that came out otherwise, as with DVC.
    assert reproduce([], jobs=1, options=Options(dry=True)) == "stages: 1 unchanged, 2 would run"
    assert "Would run stage 'first': cat source > first" in caplog.text
    assert (chain / "first").read_text() == "1" and (chain / "dvc.lock").read_bytes() == lock
    assert stale() == {"first", "apart"}


def test_a_single_item_leaves_what_it_needs_alone(chain: Path) -> None:
    (chain / "source").write_text("2")
    (chain / "second").unlink()
    (chain / "second").write_text("lost")
    assert reproduce(["second"], 1, Options(single_item=True)) == (
        "stages: 1 restored from the run cache"
    )
    assert (chain / "second").read_text() == "1" and stale() == {"first", "apart"}


@pytest.mark.parametrize("broken", ["exit 3", "'true'"])
def test_keep_going_does_all_that_does_not_wait_for_a_failure(chain: Path, broken: str) -> None:
    (chain / "dvc.yaml").write_text(CHAIN.replace("cat source > first && echo 1 >> runs", broken))
    (chain / "source").write_text("2")
    with pytest.raises(UserError, match=r"failed: first \(see above\); 1 other stages"):
        reproduce([], jobs=1, options=Options(keep_going=True))
    assert (chain / "apart").read_text() == "2"
    assert stale() == {"first", "second"}


def test_missing_data_is_allowed_where_nothing_else_changed(chain: Path) -> None:
    (chain / "first").unlink()
    shutil.rmtree(chain / ".dvc/cache")
    options = Options(allow_missing=True)
    assert reproduce(["second"], 1, options) == "everything is up to date"
    (chain / "source").write_text("2")
    assert reproduce(["second"], 1, options) == "stages: 2 ran"


def test_results_that_nothing_makes_any_more_leave_their_folder(repository: Path) -> None:
    """Unless DVC's cache could not bring them back."""
    graph = """
stages:
  kept: {deps: [source], cmd: mkdir -p results/search/s0 && echo 1 > results/search/s0/kept, outs: [results/search/s0/kept]}
  gone: {deps: [source], cmd: mkdir -p results/search/s1 && echo 2 > results/search/s1/gone, outs: [results/search/s1/gone]}
  edited: {deps: [source], cmd: mkdir -p results/search/s2 && echo 3 > results/search/s2/edited, outs: [results/search/s2/edited]}
"""
    assert clear_leftovers() == []
    (repository / "dvc.yaml").write_text(graph)
    reproduce([], jobs=1)
    (repository / "dvc.yaml").write_text("\n".join(graph.splitlines()[:3]))
    edited = repository / "results/search/s2/edited"
    edited.unlink()
    edited.write_text("my own")
    assert clear_leftovers() == ["results/search/s1/gone"]
    assert sorted(path.name for path in (repository / "results/search").iterdir()) == ["s0", "s2"]
    assert edited.read_text() == "my own"
    (repository / "dvc.yaml").write_text(graph)
    assert reproduce(["gone"], jobs=1) == "stages: 1 restored from the run cache"
