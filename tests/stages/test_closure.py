"""What a stage imports decides its result, so DVC must know of it: dvc.yaml against the imports."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import grimp
import pytest

from pipeline.common.yaml_file import read_yaml

ROOT = Path(__file__).parents[2]

# What a stage imports without depending on it. Nothing that these import is looked at.
ALLOWED = {
    "pipeline": "Ctrl-C while libraries load",
    "pipeline.backends": "a docstring",
    "pipeline.errors": "the words of a mistake",
    "pipeline.paths": "where files lie: a path that matters is one of the stage's deps or outs",
    "pipeline.study": "reads params.yaml: the values are the stage's params or its settings files, "
    "and their classes lie in the packages that it lists",
    "stages": "ends with who started it",
    "stages.entry": "arguments, log lines, exit status and wall time",
    "stages.forced": "whether finished trainings are used again, which changes no byte",
}
# What is imported by name when it is known who pretrains; the template's dep is that backend.
BACKENDS = ("native", "fairseq")


class Stage(NamedTuple):
    """A stage of dvc.yaml: the modules that its command starts, and the code that it lists."""

    name: str
    modules: tuple[str, ...]
    deps: tuple[str, ...]


def stages() -> Iterator[Stage]:
    for name, entry in read_yaml(ROOT / "dvc.yaml")["stages"].items():
        body = entry.get("do", entry)
        module = re.match(r"python -m (stages\.\w+)", body["cmd"])
        assert module, f"{name} runs no module of stages/"
        code = tuple(dep for dep in body["deps"] if dep.startswith(("pipeline/", "stages/")))
        if name != "pretrain":
            yield Stage(name, (module[1],), code)
            continue
        for backend in BACKENDS:
            own = (*code, f"pipeline/backends/{backend}")
            started = (module[1], f"pipeline.backends.{backend}.segment")
            yield Stage(f"{name}-{backend}", started, own)


STAGES = {stage.name: stage for stage in stages()}


@lru_cache(maxsize=1)
def imports() -> grimp.ImportGraph:
    return grimp.build_graph("pipeline", "stages", exclude_type_checking_imports=True)


def allowed(module: str, stage: str) -> bool:
    if stage == "settings":
        # It writes what params.yaml says: how that is read matters, the classes only check it.
        own = module.startswith(("pipeline.study", "pipeline.common", "stages.settings"))
        return not own
    return module in ALLOWED or module.startswith("pipeline.study.")


def closure(stage: Stage) -> set[str]:
    """Everything that the stage imports, directly or not, up to what is allowed."""
    found: set[str] = set()
    waiting = list(stage.modules)
    while waiting:
        module = waiting.pop()
        if module in found or allowed(module, stage.name):
            continue
        found.add(module)
        waiting += imports().find_modules_directly_imported_by(module)
        waiting.append(module.rpartition(".")[0])
    return found


def path_of(module: str) -> str:
    path = ROOT / module.replace(".", "/")
    return str(
        (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).relative_to(ROOT)
    )


def uncovered(stage: Stage, deps: tuple[str, ...]) -> set[str]:
    """The files of a stage's closure that the deps leave out."""
    return {
        path
        for path in map(path_of, closure(stage))
        if not any(path == dep or path.startswith(f"{dep}/") for dep in deps)
    }


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_depends_on_all_that_it_imports(name: str) -> None:
    assert uncovered(STAGES[name], STAGES[name].deps) == set()


@pytest.mark.parametrize(
    ("name", "dep"), [(name, dep) for name, stage in STAGES.items() for dep in stage.deps]
)
def test_every_dep_is_needed(name: str, dep: str) -> None:
    """A dep that is taken away is missed: the list has nothing idle, and the check above bites."""
    stage = STAGES[name]
    assert uncovered(stage, tuple(other for other in stage.deps if other != dep)) != set()


def test_no_stage_is_another_stages_library() -> None:
    for stage in STAGES.values():
        others = {module for module in closure(stage) if module.startswith("stages.")}
        assert others == {stage.modules[0]}


def test_what_is_allowed_is_there_and_has_a_reason() -> None:
    for module, reason in ALLOWED.items():
        assert (ROOT / path_of(module)).exists() and reason
