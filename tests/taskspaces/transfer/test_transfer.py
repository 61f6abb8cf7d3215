"""A small model whose two tasks are trained in each other's directions."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import torch

from pipeline.common.seeds import torch_generator
from pipeline.errors import UserError
from pipeline.taskspaces import arms as arms_module
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.keeping import DIRECTIONS, VECTOR, save_layered
from pipeline.taskspaces.snapshots import LearnedLayer, layers_of, name_of
from pipeline.taskspaces.transfer.config import TransferConfig
from pipeline.taskspaces.transfer.learn import TaskToTry, Transfer
from pipeline.taskspaces.transfer.result import TransferResult
from pipeline.taskspaces.transfer.unify import kept_directions
from tests.taskspaces.test_learn import SEARCH, TUNE, full
from tests.worlds import open_cell

TASKS = ("polarity_short", "paraphrase")


def layers(cell, seed: int) -> list[LearnedLayer]:
    found = []
    for spans in layers_of(cell):
        size = sum(span.stop - span.start for span in spans)
        draws = torch.randn(size, 2, generator=torch_generator(seed, spans[0].name))
        rows = torch.linalg.qr(draws)[0].T.contiguous()
        lengths = torch.tensor([2.0, 1.0], dtype=torch.float64)
        found.append(LearnedLayer(spans, rows, lengths, rows[0], 0.0, 0.0))
    return found


def transfer(world: Path, scratch: Path, names=TASKS) -> Transfer:
    tasks = {}
    for seed, name in enumerate(names):
        cell = open_cell(world, name)
        held = {name_of(one.spans): (one.directions, one.lengths) for one in layers(cell, seed)}
        opened = partial(open_cell, world, name)
        tasks[name] = TaskToTry(opened, TUNE, full(task=name), held)
    spaces = TaskSpaceConfig(snapshots=2, dimension=2, keep=True)
    config = TransferConfig(dimension=2, seeds=1)
    return Transfer("s0", 0, tasks, SEARCH, spaces, config, scratch)


def test_every_arm_of_every_task_is_trained_and_read_back(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = transfer(world, tmp_path / "scratch").compare(tmp_path / "out")
    assert TransferResult.read_of(tmp_path / "out", "s0") == result
    count = len(layers_of(open_cell(world, TASKS[0])))
    arms = ("own", "unified", "transferred", "random")
    assert [(one.task, one.arm) for one in result.trainings] == [
        (task, arm) for task in TASKS for arm in arms
    ]
    assert {one.dimension for one in result.trainings} == {2 * count}
    assert result.cost.runs == 8 and result.cost.flop > 0 and "2 tasks: own" in result.sentence()
    with pytest.raises(UserError, match="not of s10"):
        TransferResult.read_of(tmp_path / "out", "s10")

    def trained(*_args, **_more) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(arms_module, "fine_tune", trained)
    assert transfer(world, tmp_path / "scratch").compare(tmp_path / "again") == result


def test_one_task_alone_has_nothing_to_share(world: Path, tmp_path: Path) -> None:
    result = transfer(world, tmp_path / "scratch", TASKS[:1]).compare(tmp_path / "out")
    assert not result.trainings and "fewer than two tasks" in result.sentence()


def test_what_a_task_kept_is_read_and_damage_is_refused(world: Path, tmp_path: Path) -> None:
    assert kept_directions(tmp_path) is None
    cell = open_cell(world, TASKS[0])
    own = layers(cell, 0)
    save_layered(tmp_path, torch.zeros(3), own, 1.0, cell)
    held = kept_directions(tmp_path)
    assert held is not None and torch.equal(held[name_of(own[0].spans)][0], own[0].directions)
    content = bytearray((tmp_path / DIRECTIONS).read_bytes())
    content[-1] ^= 1
    (tmp_path / DIRECTIONS).write_bytes(bytes(content))
    with pytest.raises(UserError, match="directions that are not those of its task vector"):
        kept_directions(tmp_path)
    assert (tmp_path / VECTOR).exists()
