from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pipeline.dimension.grid import GridConfig
from pipeline.dimension.record import Probe, Record
from pipeline.errors import UserError
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.result import FullResult
from pipeline.probes import helpers
from pipeline.probes.config import SearchConfig
from pipeline.probes.helpers import Helpers, parallel
from pipeline.probes.probe import ProbeRunner, ProbeTraining
from pipeline.probes.search import search_cell
from pipeline.subspace.config import SubspaceConfig
from stages.entry import helper
from tests.worlds import FINETUNE, open_cell

TASK = "polarity_short"
BRIEF = replace(FINETUNE, epochs=1, learning_rates=(1e-2,))
SWEPT = SearchConfig(
    GridConfig(values=(20, 60)), rates=(0.1, 0.35), epochs=1, protocol="sweep",
    target="chance_corrected",
)  # fmt: skip


@pytest.fixture(scope="module")
def full(world: Path, tmp_path_factory: pytest.TempPathFactory) -> FullResult:
    folder = tmp_path_factory.mktemp("full")
    cell = open_cell(world, TASK, BRIEF)
    return replace(fine_tune_fully(cell, BRIEF, folder, folder), full_metric=0.9)


def threads(count: int, begin: Callable[[], None]) -> Executor:
    """One thread in place of the processes, which would load the libraries for seconds."""
    return ThreadPoolExecutor(1, initializer=begin)


def search(world: Path, out: Path, full: FullResult, helpers: Helpers | None) -> None:
    search_cell(
        open_cell(world, TASK, BRIEF), search=SWEPT, subspace=SubspaceConfig(), finetune=BRIEF,
        full=full, neighbour=None, scratch=out / "scratch", out=out, helpers=helpers,
    )  # fmt: skip


def test_helpers_leave_the_bytes_of_a_search_alone(
    world: Path, full: FullResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, helped = tmp_path / "alone", tmp_path / "helped"
    search(world, alone, full, None)
    trained: list[Probe] = []
    plain = helpers._train

    def counted(probe: Probe) -> Record:
        trained.append(probe)
        return plain(probe)

    monkeypatch.setattr(helpers, "_train", counted)
    opened = partial(open_cell, world, TASK, BRIEF)
    search(world, helped, full, Helpers(2, opened, helper, threads))
    assert len(trained) == len(set(trained)) == 4
    names = {path.name for path in alone.glob("*.*")}
    assert names == {path.name for path in helped.glob("*.*")} and "result.json" in names
    for name in names:
        assert (alone / name).read_bytes() == (helped / name).read_bytes()


def test_what_has_ended_stands_in_the_journal_before_it_is_asked_for(
    world: Path, tmp_path: Path
) -> None:
    cell = open_cell(world, TASK, BRIEF)
    runner = ProbeRunner(cell, SubspaceConfig(), BRIEF, ProbeTraining(epochs=1), tmp_path)
    probes = [Probe(20, seed, 0.1) for seed in range(3)]
    opened = partial(open_cell, world, TASK, BRIEF)
    with Helpers(2, opened, helper, threads).training(runner) as together:
        together.bring(iter(probes))
        together.bring(iter(probes[2:]))
    again = replace(runner)
    assert all(again.known(probe) for probe in probes)


def test_processes_train_what_this_one_would(world: Path, tmp_path: Path) -> None:
    cell, probe = open_cell(world, TASK, BRIEF), Probe(20, 0, 0.1)
    parts = (SubspaceConfig(), BRIEF, ProbeTraining(epochs=1))
    here = ProbeRunner(cell, *parts, tmp_path / "here")
    there = ProbeRunner(cell, *parts, tmp_path / "there")
    with Helpers(2, partial(open_cell, world, TASK, BRIEF), helper).training(there) as together:
        together.bring(iter([probe]))
    record = here.run(probe)
    assert there.known(probe) == record
    assert there.vector_path(record).read_bytes() == here.vector_path(record).read_bytes()


def test_a_helper_that_was_ended_is_one_sentence(world: Path, tmp_path: Path) -> None:
    class Broken(ThreadPoolExecutor):
        def submit(self, *work: object, **options: object):  # type: ignore[no-untyped-def]
            return super().submit(self.ended)

        def ended(self) -> None:
            raise BrokenProcessPool

    cell = open_cell(world, TASK, BRIEF)
    runner = ProbeRunner(cell, SubspaceConfig(), BRIEF, ProbeTraining(), tmp_path)
    with (
        pytest.raises(UserError, match="perhaps because memory ran out: lower PIPELINE_PARALLEL"),
        Helpers(2, open_cell, helper, lambda count, begin: Broken(1)).training(runner) as together,
    ):
        together.bring(iter([Probe(20, 0, 0.1)]))


@pytest.mark.parametrize("wrong", ["0", "many", "-1"])
def test_a_wrong_number_is_named(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.delenv("PIPELINE_PARALLEL", raising=False)
    assert parallel() == 1
    monkeypatch.setitem(os.environ, "PIPELINE_PARALLEL", wrong)
    with pytest.raises(UserError, match=f"PIPELINE_PARALLEL is '{wrong}'"):
        parallel()
