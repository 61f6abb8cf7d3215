"""Nothing of params.yaml or graph.yaml is in a command, and no item runs before both are checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import paths
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from stages import entry

STAGES = read_yaml(Path(__file__).parents[2] / "dvc.yaml")["stages"]


@pytest.mark.parametrize("name", STAGES)
def test_a_command_is_the_same_for_every_item(name: str) -> None:
    body = STAGES[name].get("do", STAGES[name])
    assert body["cmd"] == f"python -m stages.{name}" and "wdir" not in body


@pytest.mark.parametrize("name", [name for name, body in STAGES.items() if "foreach" in body])
def test_items_wait_until_their_names_are_checked(name: str) -> None:
    assert str(paths.CHECKED) in STAGES[name]["do"]["deps"]


def test_names_are_checked_whenever_they_change() -> None:
    assert {str(paths.PARAMS), str(paths.GRAPH)} <= set(STAGES["settings"]["deps"])
    assert paths.CHECKED.is_relative_to(STAGES["settings"]["outs"][0])


@pytest.mark.parametrize(
    ("stage", "key"),
    [("pretrain@s8", "s8"), ("../dvc.yaml:task@trajectory-own", "trajectory-own")],
)
def test_the_key_is_what_dvc_calls_the_item(
    monkeypatch: pytest.MonkeyPatch, stage: str, key: str
) -> None:
    monkeypatch.setenv("DVC_STAGE", stage)
    assert entry.key() == key


@pytest.mark.parametrize("stage", ["", "collect"])
def test_without_an_item_a_stage_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    monkeypatch.setenv("DVC_STAGE", stage)
    with pytest.raises(UserError, match="run dvc repro STAGE@KEY"):
        entry.key()
