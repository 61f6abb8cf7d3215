from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.common.artifacts import read_json
from pipeline.common.yaml_file import read_yaml
from pipeline.study.reading import load_params, settings
from pipeline.study.settings import write_settings

ROOT = Path(__file__).parents[2]
# What the laptop's search asks of full fine-tuning.
DEMAND = {"target": "chance_corrected", "margin": 3.0}


def files_of(content: dict[str, Any], folder: Path) -> dict[str, bytes]:
    path = folder / "params.yaml"
    with open(path, "w") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)
    write_settings(load_params(path), settings(path), folder / "out")
    made = sorted((folder / "out").rglob("*.json"))
    return {str(file.relative_to(folder / "out")): file.read_bytes() for file in made}


def changed(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before | after if before.get(name) != after.get(name)}


def test_a_default_reaches_exactly_the_tasks_that_use_it(tmp_path: Path) -> None:
    content = read_yaml(ROOT / "presets/laptop.yaml")
    content["tasks"]["duplicate"]["finetune"] = {"epochs": 8}
    before = files_of(content, tmp_path)
    content["finetune"]["epochs"] = 5
    others = set(content["tasks"]) - {"duplicate"}
    assert changed(before, files_of(content, tmp_path)) == {
        f"tasks/{name}/finetune.json" for name in others
    }


@pytest.mark.parametrize(
    ("section", "value", "files"),
    [
        ("report", {"width_mm": 90.0}, set()),
        ("search", {**DEMAND, "grid": {"minimum": 64}}, {"searches/study.json"}),
        (
            "search",
            {**DEMAND, "grid": {"minimum": 5, "ratio": 1.5}, "margin": 1.0},
            {"searches/study.json", "baseline.json"},
        ),
        ("subspace", {"method": "did"}, {"searches/study.json"}),
        ("baseline", {"protocol": "efficient", "gain": 0.01}, {"baseline.json"}),
        (
            "checkpoints",
            {"s0": 0, "s9": 9},
            {
                "study.json",
                "checkpoints/s9.json",
                *(f"checkpoints/s{step}.json" for step in (200, 280, 400, 560, 800)),
            },
        ),
    ],
)
def test_a_section_changes_its_own_files(
    tmp_path: Path, section: str, value: Any, files: set[str]
) -> None:
    content = read_yaml(ROOT / "presets/laptop.yaml")
    before = files_of(content, tmp_path)
    content[section] = value
    assert changed(before, files_of(content, tmp_path)) == files


def test_published_models_and_sweeps_have_files_too(tmp_path: Path) -> None:
    made = files_of(read_yaml(ROOT / "presets/table1.yaml"), tmp_path)
    assert {"models/bert_base.json", "searches/did.json", "searches/said.json"} <= set(made)
    assert (
        read_json(tmp_path / "out/models/bert_base.json")["id"] == "google-bert/bert-base-uncased"
    )
