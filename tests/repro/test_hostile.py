"""Names that would be commands or paths, in every mapping that DVC makes stages from.

Plain ``dvc repro`` is what runs: it reads params.yaml and graph.yaml before any code of ours.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pipeline.common.yaml_file import read_yaml
from tests.repro.conftest import Study

pytestmark = pytest.mark.repro

# In a command it would make a file. As an output of stage `file` it names the user's own mine.json,
# which DVC would remove before the stage runs.
COMMAND, PATH = "x; touch OWNED; #", "../../../mine"


@pytest.fixture
def fresh(tmp_path: Path) -> Study:
    """A study in which nothing has run, with a file of the user's."""
    study = Study.create(tmp_path / "study")
    (study.folder / "mine.json").write_text("a year of work")
    return study


def write(study: Study, name: str, content: Any) -> None:
    with open(study.folder / name, "w") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)


def refused(study: Study, *words: str) -> str:
    """What DVC says; no name was run, and the user's file is what it was."""
    done = study.command("dvc", "repro", *words)
    said = done.stdout + done.stderr
    assert done.returncode != 0, said
    assert not list(study.folder.rglob("OWNED*")), said
    assert (study.folder / "mine.json").read_text() == "a year of work", said
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize("section", ["tasks", "checkpoints"])
def test_a_name_of_the_parameters_is_refused(fresh: Study, section: str) -> None:
    params = fresh.params()
    params[section][COMMAND] = next(iter(params[section].values()))
    write(fresh, "params.yaml", params)
    said = refused(fresh)
    assert f"error: params.yaml: {section} has the name '{COMMAND}': use small letters" in said


def items(bad: str) -> dict[str, dict[str, dict[str, str]]]:
    """Items of each section of graph.yaml: one with this key, and one with each such value."""
    nothing, model = "data/settings/nothing.json", "new"
    cell = {"model": model, "task": "paraphrase", "tokens": "trajectory", "neighbour": nothing}
    sections = {
        "files": {"path": nothing, "owner": "corpus"},
        "segments": {"after": "s0", "backend": "pipeline/backends/native"},
        "models": {"folder": nothing, "tokenizer": nothing},
        "tasks": {"tokens": "trajectory", "task": model, "tokenizer": nothing, "files": nothing},
        "cells": cell,
        "searches": cell | {"settings": nothing, "out": f"results/search/{model}"},
    }
    # Stages of the same name, model or task would write the same files, which DVC itself refuses.
    several = {section: [(bad, item)] for section, item in sections.items()}
    for section in ("models", "cells", "searches"):
        several[section] = [(f"{bad}-{section}", sections[section])]
    for section in ("files", "segments", "models"):
        item = sections[section]
        several[section] += [(f"{model}{name}", {**item, name: bad}) for name in item]
    for name in ("model", "tokens", "neighbour"):
        several["cells"].append((f"{model}{name}", {**cell, "model": f"{model}{name}", name: bad}))
    several["searches"].append((f"{model}-out", {**sections["searches"], "out": bad}))
    return {section: dict(found) for section, found in several.items()}


@pytest.mark.parametrize("bad", [COMMAND, PATH])
@pytest.mark.parametrize(
    ("place", "sentence"),
    [("graph.yaml", "does not belong to params.yaml"), ("params.yaml", "unknown key 'graph'")],
)
def test_items_of_the_graph_are_refused(fresh: Study, place: str, sentence: str, bad: str) -> None:
    """Their keys and values; DVC reads a graph in params.yaml as well."""
    own = read_yaml(fresh.folder / place)
    graph = own.get("graph", {})
    added = {section: graph.get(section, {}) | some for section, some in items(bad).items()}
    write(fresh, place, own | {"graph": graph | added})
    for words in ((), (f"file@{bad}",)):
        assert sentence in refused(fresh, *words)


def test_an_item_that_is_run_alone_waits_for_the_settings(fresh: Study) -> None:
    graph = read_yaml(fresh.folder / "graph.yaml")["graph"]
    added = {section: graph[section] | some for section, some in items(COMMAND).items()}
    write(fresh, "graph.yaml", {"graph": graph | added})
    assert "checked.json" in refused(fresh, "--single-item", f"file@{COMMAND}")
