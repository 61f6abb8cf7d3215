"""A real small cell from snapshots to arms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from pipeline.common.seeds import torch_generator
from pipeline.common.status import Status
from pipeline.dimension.grid import GridConfig
from pipeline.dimension.levers import EfficientConfig
from pipeline.errors import UserError
from pipeline.finetuning.evaluation import score
from pipeline.finetuning.result import Cost, FullResult
from pipeline.probes.config import SearchConfig
from pipeline.subspace.layered import LayerMap
from pipeline.taskspaces import arms as arms_module
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.keeping import VECTOR, load_layered
from pipeline.taskspaces.learn import TaskSpace
from pipeline.taskspaces.result import TaskSpaceResult
from pipeline.taskspaces.snapshots import (
    layers_of,
    learn_layer,
    read_snapshots,
    take_snapshots,
)
from tests.worlds import FINETUNE, open_cell

CONFIG = TaskSpaceConfig(snapshots=4, dimension=3, rows="halves", seeds=1, search=True, keep=True)
SEARCH = SearchConfig(GridConfig(8, ratio=8.0), rates=(0.35,), efficient=EfficientConfig(budget=2))
TUNE = replace(FINETUNE, epochs=2, batch=32)


def full(**changes) -> FullResult:
    found = {
        "model": "s0", "task": "polarity_short", "step": 0, "metric": "accuracy", "chance": 0.5,
        "chance_error": 0.02, "status": Status.OK, "reason": "", "parameters": 9000,
        "cost": Cost(1, 1, 1.0), "inputs": {}, "learning_rate": 1e-2, "full_metric": 0.95,
    }  # fmt: skip
    return FullResult(**{**found, **changes})


def taskspace(world: Path, scratch: Path, config: TaskSpaceConfig = CONFIG, **changes) -> TaskSpace:
    cell = open_cell(world, "polarity_short")
    cell = replace(cell, data=replace(cell.data, eval=cell.data.eval.head(100)))
    return TaskSpace(cell, TUNE, full(**changes), SEARCH, config, scratch)


@pytest.fixture(scope="module")
def learned(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TaskSpaceResult]:
    folder = tmp_path_factory.mktemp("learned")
    return folder, taskspace(world, folder / "scratch").learn(folder / "out")


def test_every_arm_is_trained_and_says_how_many_numbers(
    learned: tuple[Path, TaskSpaceResult],
) -> None:
    _, result = learned
    rows = {one.arm: one for one in result.trainings}
    layers = result.layers
    assert list(rows) == [
        "full", "basis", "random", "one_direction", "mean_only", "frozen", "outliers_zeroed",
        "matched_zeroed",
    ]  # fmt: skip
    dimensions = {arm: one.dimension for arm, one in rows.items()}
    assert dimensions == {
        **dict.fromkeys(rows, 0), "basis": 3 * layers, "random": 3 * layers,
        "one_direction": layers, "mean_only": layers,
    }  # fmt: skip
    outside = rows["frozen"].trained
    assert rows["basis"].trained == rows["random"].trained == outside + 3 * layers
    assert rows["full"].trained == rows["outliers_zeroed"].trained > outside
    assert result.status is Status.OK and result.dimension == 3


def test_without_subtracting_the_first_direction_is_nearly_the_weights_themselves(
    learned: tuple[Path, TaskSpaceResult],
) -> None:
    _, result = learned
    assert result.first_share > 0.9 and result.first_cosine > 0.9


def test_d90_is_searched_for_in_own_and_in_random_directions(
    learned: tuple[Path, TaskSpaceResult],
) -> None:
    _, result = learned
    own, other = result.searches
    assert (own.directions, other.directions) == ("own", "random")
    # Embeddings, layers and head have at most four directions each.
    assert own.d_min == other.d_min == 1 and own.d_max <= 4 * (result.layers + 2) < other.d_max
    assert own.probes > 0 and own.target == other.target == pytest.approx(0.9 * 0.95)
    spent = sum(one.cost.flop for one in (own, other)) + sum(one.flop for one in result.trainings)
    assert result.cost.flop > spent


def test_probes_of_other_rows_are_not_taken_for_these(
    learned: tuple[Path, TaskSpaceResult], world: Path, tmp_path: Path
) -> None:
    folder, _ = learned
    halves, same = (
        taskspace(world, tmp_path, replace(CONFIG, rows=rows)) for rows in ("halves", "same")
    )
    assert halves._identity() != same._identity()
    assert (folder / "scratch" / halves._identity() / "random/probes.jsonl").exists()


def test_the_result_is_read_back_and_belongs_to_its_cell(
    learned: tuple[Path, TaskSpaceResult],
) -> None:
    folder, result = learned
    assert TaskSpaceResult.read_of(folder / "out", "s0", "polarity_short") == result
    with pytest.raises(UserError, match="not of s0 and paraphrase"):
        TaskSpaceResult.read_of(folder / "out", "s0", "paraphrase")


def test_the_kept_training_answers_as_it_did(
    world: Path, learned: tuple[Path, TaskSpaceResult]
) -> None:
    folder, result = learned
    made = taskspace(world, folder)
    vector = load_layered(folder / "out" / VECTOR)
    assert vector is not None
    vector.apply(made.cell.flat, made.cell.inputs["checkpoint"])
    again = score(made.cell.network, made.cell.data.eval, TUNE.batch).metric
    assert (again,) == result.metrics("basis")


def test_a_second_run_trains_nothing_that_is_finished(
    world: Path, learned: tuple[Path, TaskSpaceResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, result = learned

    def trained(*_args, **_more) -> None:
        raise AssertionError("trained again")

    monkeypatch.setattr(arms_module, "fine_tune", trained)
    again = taskspace(world, folder / "scratch").learn(folder / "again")
    assert again == result
    assert not list((folder / "scratch").glob("snapshots-*"))


def test_snapshots_less_the_weights_have_other_directions(world: Path, tmp_path: Path) -> None:
    made = taskspace(world, tmp_path)
    cell, _ = made._rows()
    spans = layers_of(cell)[0]
    take_snapshots(cell, [spans], made._recipe(4), tmp_path)
    origin = LayerMap(spans, None).gathered(cell.origin)
    plain, moved, spread = (
        learn_layer(spans, origin, read_snapshots(tmp_path, spans, 4), replace(CONFIG, **changes))
        for changes in ({}, {"subtract": True}, {"centre": True})
    )
    assert plain.first_cosine > 0.9 > 0.6 > moved.first_cosine
    assert torch.equal(plain.mean, spread.mean)
    # The mean lies in the span of the snapshots, and after centring outside of it.
    reach = [float((one.directions @ one.mean).norm()) for one in (plain, spread)]
    assert reach[0] > 0.99 > 0.5 > reach[1]


def test_a_mean_of_draws_starts_like_one_draw_of_less_spread(world: Path, tmp_path: Path) -> None:
    made = taskspace(world, tmp_path)
    arms = made._arms(made.cell, [])
    start = arms._start(2000, 0)
    assert float(start.std()) == pytest.approx(0.02 / 16**0.5, rel=0.1)
    assert not torch.equal(start, arms._start(2000, 1))
    none = taskspace(world, tmp_path, replace(CONFIG, initial="zero"))
    assert none._arms(none.cell, [])._start(5, 0) is None


def test_averaged_vectors_move_as_their_mean_does() -> None:
    """h vectors of which the mean is used, under Adam, against the one that starts at their mean."""
    draws = torch.randn(4, 6, generator=torch_generator(0, "draws"))
    target = torch.arange(6.0)

    def moved(vectors: torch.Tensor) -> torch.Tensor:
        vectors = vectors.clone().requires_grad_()
        optimizer = torch.optim.AdamW([vectors], lr=0.1, weight_decay=0.1, eps=1e-12)
        for _ in range(5):
            optimizer.zero_grad()
            (vectors.mean(0) - target).square().sum().backward()
            optimizer.step()
        return vectors.detach().mean(0)

    torch.testing.assert_close(moved(draws), moved(draws.mean(0, keepdim=True)))


def test_without_a_full_fine_tuning_there_is_a_reason(world: Path, tmp_path: Path) -> None:
    made = taskspace(world, tmp_path, learning_rate=None, status=Status.DIVERGED, reason="it broke")
    result = made.learn(tmp_path / "out")
    assert (result.status, result.reason) == (Status.DIVERGED, "full fine-tuning: it broke")
    assert not result.trainings and "it broke" in result.sentence()


def test_more_directions_than_snapshots_are_refused() -> None:
    with pytest.raises(ValueError, match="4 snapshots have at most 3 directions"):
        TaskSpaceConfig(snapshots=4, dimension=4, centre=True)
