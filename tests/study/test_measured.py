from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.certificates.config import CertificateConfig
from pipeline.errors import UserError
from pipeline.study.checks import check
from pipeline.study.graph import graph_items
from pipeline.study.measured import (
    certified,
    measured_model,
    measured_models,
    planned_search,
    represented,
    searches,
    task_spaces,
    transferred,
    transfers,
)
from pipeline.study.reading import load_params
from pipeline.taskspaces.config import TaskSpaceConfig
from pipeline.taskspaces.representation.config import RepresentationConfig
from pipeline.taskspaces.transfer.config import TransferConfig

ROOT = Path(__file__).parents[2]
LAPTOP = load_params(ROOT / "presets/laptop.yaml")
TABLE1 = load_params(ROOT / "presets/table1.yaml")


def test_checkpoints_and_published_models_are_one_kind_of_thing() -> None:
    own = measured_model(LAPTOP, "s200")
    assert (own.family, own.step, own.tokens, own.neighbour) == (
        "trajectory", 200, "trajectory", "s0",
    )  # fmt: skip
    assert own.tasks == own.searched == tuple(LAPTOP.tasks)
    other = measured_model(TABLE1, "bert_base")
    assert (other.family, other.label, other.tokens) == ("zoo", "BERT-Base", "bert_base")
    assert other.tasks == ("mrpc", "qqp") and other.searched == () and other.neighbour is None


def test_without_neighbours_searches_start_from_nothing() -> None:
    params = replace(LAPTOP, trajectory=replace(LAPTOP.trajectory, neighbours=False))
    assert {model.neighbour for model in measured_models(params)} == {None}


def test_a_sweep_is_a_search_with_a_method() -> None:
    planned = searches(TABLE1)
    assert len(planned) == 4 * 2 * 2
    sweep = planned_search(TABLE1, "bert_base-qqp-did")
    assert (sweep.model.name, sweep.task, sweep.method) == ("bert_base", "qqp", "did")
    assert len(searches(LAPTOP)) == 6 * 6
    assert planned_search(LAPTOP, "s0-duplicate").method is None


def test_unknown_names_name_the_closest() -> None:
    with pytest.raises(UserError, match="did you mean 's800'"):
        measured_model(LAPTOP, "s100")
    with pytest.raises(UserError, match="did you mean 's0-duplicate'"):
        planned_search(LAPTOP, "s0-duplicat")


def test_cells_with_right_answers_are_certified_where_that_is_asked_for() -> None:
    assert certified(LAPTOP) == {} and graph_items(LAPTOP)["certificates"] == {}
    asked = replace(LAPTOP, certificates=CertificateConfig())
    assert certified(asked) == searches(asked)
    task = LAPTOP.tasks["inference"]
    numbers = replace(task, data=replace(task.data, kind="regression", labels=(), metric=None))
    mixed = replace(asked, tasks={**LAPTOP.tasks, "inference": numbers})
    assert {one.task for one in certified(mixed).values()} == {*LAPTOP.tasks} - {"inference"}


def test_certificates_count_the_head_too() -> None:
    outside = replace(LAPTOP.subspace, head="outside")
    asked = replace(LAPTOP, subspace=outside, certificates=CertificateConfig())
    with pytest.raises(UserError, match=r"subspace.head must be inside, not outside"):
        check(asked)


def test_task_specific_subspaces_are_learned_where_that_is_asked_for() -> None:
    assert task_spaces(LAPTOP) == {} and graph_items(LAPTOP)["taskspaces"] == {}
    asked = replace(LAPTOP, taskspaces=TaskSpaceConfig())
    assert task_spaces(asked) == searches(asked)
    assert list(graph_items(asked)["taskspaces"]) == list(searches(asked))


def test_hidden_states_and_transfer_are_measured_where_that_is_asked_for() -> None:
    items = graph_items(LAPTOP)
    assert items["representations"] == items["transfers"] == {}
    asked = replace(LAPTOP, representation=RepresentationConfig(), transfer=TransferConfig())
    assert represented(asked) == transferred(asked) == searches(asked)
    assert list(graph_items(asked)["transfers"]) == list(LAPTOP.checkpoints)
    alone = replace(asked, tasks={"inference": LAPTOP.tasks["inference"]})
    assert transfers(alone) == {} and transferred(alone) == {} and len(represented(alone)) == 6


def test_transfer_needs_directions_that_are_kept() -> None:
    spaces = TaskSpaceConfig()
    for asked in (None, spaces):
        params = replace(LAPTOP, transfer=TransferConfig(), taskspaces=asked)
        with pytest.raises(UserError, match=r"taskspaces.keep must be true"):
            check(params)
    check(replace(params, taskspaces=replace(spaces, keep=True)))
