from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.finetuning.baseline import BaselineConfig
from pipeline.study.checkpoints import Checkpoint
from pipeline.study.graph import check_graph, graph_items, graph_text, write_graph
from pipeline.study.reading import load_params

ROOT = Path(__file__).parents[2]
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))
LAPTOP = load_params(ROOT / "presets/laptop.yaml")


def test_the_graph_of_a_clone_belongs_to_its_parameters() -> None:
    check_graph(load_params(ROOT / "params.yaml"), ROOT / "graph.yaml")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_the_yaml_says_what_the_items_are(preset: Path, tmp_path: Path) -> None:
    params = load_params(preset)
    write_graph(params, tmp_path / "graph.yaml")
    assert read_yaml(tmp_path / "graph.yaml") == {"graph": graph_items(params)}
    assert not write_graph(params, tmp_path / "graph.yaml")


def test_odd_names_and_paths_stay_what_they_are(tmp_path: Path) -> None:
    params = load_params(ROOT / "presets/zoo.yaml")
    model = replace(
        params.zoo.models["gpt2"], id='my "odd": folder\\#é', source="folder", pad_token=None
    )
    zoo = replace(params.zoo, models={"null": model})
    write_graph(replace(params, zoo=zoo), tmp_path / "graph.yaml")
    items = read_yaml(tmp_path / "graph.yaml")["graph"]
    assert items["models"] == {
        "null": {"folder": 'my "odd": folder\\#é', "tokenizer": "data/settings/nothing.json"}
    }
    assert items["cells"]["null-mrpc"]["model"] == "null"


def test_searches_depend_on_their_neighbours_answer_or_on_nothing() -> None:
    items = graph_items(LAPTOP)["searches"]
    assert items["s200-duplicate"]["neighbour"] == "results/search/s0/duplicate/answer.json"
    assert items["s0-duplicate"]["neighbour"] == "data/settings/nothing.json"
    alone = replace(LAPTOP, trajectory=replace(LAPTOP.trajectory, neighbours=False))
    assert {item["neighbour"] for item in graph_items(alone)["searches"].values()} == {
        "data/settings/nothing.json"
    }


def test_full_fine_tuning_depends_on_its_neighbour_where_it_chooses_a_rate() -> None:
    efficient = replace(LAPTOP, baseline=BaselineConfig("efficient"))
    duplicate = LAPTOP.tasks["duplicate"]
    rates = replace(duplicate.finetune, learning_rates=(1e-3, 2e-3))
    tasks = {**LAPTOP.tasks, "duplicate": replace(duplicate, finetune=rates)}
    several = replace(efficient, tasks=tasks)
    items = graph_items(several)["cells"]
    assert items["s200-duplicate"]["neighbour"] == "results/baseline/s0/duplicate/result.json"
    nothing = {"data/settings/nothing.json"}
    assert {items[key]["neighbour"] for key in ("s0-duplicate", "s200-inference")} == nothing
    for other in (
        efficient,
        replace(several, baseline=BaselineConfig()),
        replace(several, trajectory=replace(LAPTOP.trajectory, neighbours=False)),
    ):
        assert {item["neighbour"] for item in graph_items(other)["cells"].values()} == nothing


def test_a_suite_has_no_stage_of_pretraining() -> None:
    items = graph_items(load_params(ROOT / "presets/multiberts.yaml"))
    assert items["pretraining"] == {} and items["segments"] == {} and len(items["models"]) == 29
    assert items["tasks"]["trajectory-mrpc"]["tokenizer"] == "checkpoints/s0k/model"


def test_a_graph_of_other_parameters_is_refused_with_the_command_that_mends_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "graph.yaml"
    with pytest.raises(UserError, match="run python -m pipeline graph"):
        check_graph(LAPTOP, path)
    write_graph(LAPTOP, path)
    check_graph(LAPTOP, path)
    more = replace(LAPTOP, checkpoints={**LAPTOP.checkpoints, "s4500": Checkpoint(4500)})
    with pytest.raises(UserError, match=r"does not belong to params\.yaml"):
        check_graph(more, path)


def test_values_that_shape_no_stage_leave_the_graph_alone() -> None:
    search = replace(LAPTOP.search, protocol="paper")
    assert graph_text(replace(LAPTOP, seed=7, search=search)) == graph_text(LAPTOP)
