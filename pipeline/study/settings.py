"""Settings a file each, so that a stage depends on what decides its result and on no more.

A task's settings are its own keys and the defaults for the others. DVC can track a key of
params.yaml, but not "the default, where the task has none of its own"; it can track a file. So one
stage writes what each task, published model and search really gets, and a default that changes
makes only those stale that use it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline import paths
from pipeline.common.artifacts import Json, atomic_directory, write_json
from pipeline.study.measured import (
    PlannedSearch,
    certified,
    measured_models,
    represented,
    searches,
    task_spaces,
    transfers,
)
from pipeline.study.params import Params
from pipeline.study.tasks import SECTIONS

_DEMAND = ("fraction", "target", "margin")


def write_settings(params: Params, content: Json, folder: Path = paths.SETTINGS) -> None:
    """Write a file for each task's section, published model and search, one for full fine-tuning.

    Args:
        params: the parameters.
        content: the same as `pipeline.study.reading.settings` gives them, not yet typed: what only
            the code says, a default of a dataclass, is tracked with the code.
        folder: where the files go.
    """
    with atomic_directory(folder) as made:
        for path, value in settings_files(params, content):
            write_json(made / path.relative_to(paths.SETTINGS), value)


def settings_files(params: Params, content: Json) -> Iterator[tuple[Path, Any]]:
    """Each file and what goes into it; arguments as those of `write_settings`."""
    for name, task in content["tasks"].items():
        for section in SECTIONS:
            yield paths.task_settings(name, section), task[section]
    for name, place in params.published().items():
        step = params.checkpoints[name].step if name in params.checkpoints else 0
        yield paths.model_settings(name), {**asdict(place), "step": step}
    for name in params.segments():
        line = params.checkpoints[name]
        yield paths.checkpoint_settings(name), {"step": line.step, "decay": line.decay}
    yield paths.NOTHING, None
    # Always the same, so that waiting for it makes nothing stale.
    yield paths.CHECKED, True
    yield paths.baseline_settings(), {**content.get("baseline", {}), "demand": _demand(content)}
    common = {"seed": params.seed, "subspace": content.get("subspace", {})}
    yield paths.search_settings(None), {**common, "search": content["search"]}
    yield paths.certificate_settings(), content.get("certificates") or {}
    yield paths.task_space_settings(), content.get("taskspaces") or {}
    yield paths.representation_settings(), content.get("representation") or {}
    yield paths.transfer_settings(), content.get("transfer") or {}
    yield paths.SETTINGS / "study.json", _measured(params, content)
    for method in params.sweep.methods:
        probes = content["sweep"].get("probes", {})
        yield paths.search_settings(method), {**common, "method": method, "probes": probes}


def _demand(content: Json) -> Json:
    """What the search asks of full fine-tuning, by which a baseline says whether it is met."""
    return {key: content["search"][key] for key in _DEMAND if key in content["search"]}


def _measured(params: Params, content: Json) -> Json:
    """What the tables are collected from."""
    sweeps = [search for search in searches(params).values() if search.method]
    return {
        "models": [asdict(model) for model in measured_models(params)],
        "unit": params.trajectory.unit,
        "tokens_per_step": params.tokens_per_step(),
        "sweeps": {search.key: _told_apart(params, search) for search in sweeps},
        "probes": content.get("sweep", {}).get("probes", {}),
        "certified": list(certified(params)),
        "taskspaces": list(task_spaces(params)),
        "represented": list(represented(params)),
        "transfers": list(transfers(params)),
    }


def _told_apart(params: Params, sweep: PlannedSearch) -> list[Any]:
    """What a published number of the same model and task is found by."""
    data = params.tasks[sweep.task].data
    return [params.zoo.models[sweep.model.name].id, [asdict(source) for source in data.eval]]
