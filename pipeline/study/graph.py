"""``graph.yaml``: what DVC's templating needs to know of params.yaml and cannot work out itself.

DVC's templates can go through a list and spell a path, no more: they know neither which checkpoint
comes before another, nor what a list of files holds. So every item of the graph is written out, in
a file of its own that nobody edits. ``python -m pipeline graph`` writes it, and so do ``make
repro`` and ``python -m pipeline repro``; a stage that finds it out of date says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline import paths
from pipeline.common.artifacts import atomic_file
from pipeline.common.config import nearest
from pipeline.errors import UserError
from pipeline.published.place import Place
from pipeline.study.checks import SHARED_TOKENS
from pipeline.study.local_files import local_files, watched
from pipeline.study.measured import (
    MeasuredModel,
    PlannedSearch,
    certified,
    measured_models,
    rate_neighbour,
    represented,
    searches,
    task_spaces,
    transfers,
)
from pipeline.study.params import Params

_HEAD = """\
# Written by `python -m pipeline graph` from params.yaml, for DVC's templating; `make repro` and
# `python -m pipeline repro` write it too. Do not edit it (pipeline/study/graph.py says why it is).
"""
_NOTHING = str(paths.NOTHING)
Items = Mapping[str, Mapping[str, str]]


def write_graph(params: Params, path: Path = paths.GRAPH) -> bool:
    """Write the graph unless it stands there already; return whether it was written."""
    text = graph_text(params)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    _forget_hashes(params)
    return True


def _forget_hashes(params: Params) -> None:
    """Remove hashes of files that are no longer named; stages depend on the folder of all."""
    kept = {paths.watched(owner) / f"{key}.json" for key, _, owner in local_files(params)}
    for path in paths.FILES.rglob("*.json"):
        if path not in kept:
            path.unlink()


def check_graph(params: Params, path: Path = paths.GRAPH) -> None:
    """Check that the graph is the one that follows from the parameters.

    Raises:
        UserError: it is another one, or missing.
    """
    if not path.exists() or path.read_text(encoding="utf-8") != graph_text(params):
        raise UserError(
            f"{path} does not belong to params.yaml, whose checkpoints, tasks or files were "
            "changed: run python -m pipeline graph, then dvc repro (python -m pipeline repro does "
            "both)"
        )


def graph_text(params: Params) -> str:
    """The graph as YAML: a line an item, the same text for the same parameters."""
    lines = [_HEAD + "graph:"]
    for section, items in graph_items(params).items():
        lines.append(f"  {section}:" if items else f"  {section}: {{}}")
        for name, facts in items.items():
            # Quoted throughout: a task may be called null.
            lines.append(f"    {json.dumps(name)}: {json.dumps(facts, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def graph_items(params: Params) -> dict[str, Items]:
    """The items of each stage of dvc.yaml, with the paths that its template cannot spell.

    Where an item has nothing to depend on, `paths.NOTHING` stands. It must be a path that the stage
    does not have otherwise: DVC notices a dep that is new, but not one that is gone.
    """
    models = measured_models(params)
    return {
        "files": {key: {"path": path, "owner": owner} for key, path, owner in local_files(params)},
        "pretraining": _pretraining(params),
        "segments": {
            name: {"after": before, "backend": f"pipeline/backends/{params.pretrain.backend}"}
            for name, before in params.segments().items()
        },
        "models": {
            name: {"folder": _local(place, place.id), "tokenizer": _local(place, place.tokenizer)}
            for name, place in params.published().items()
        },
        "tasks": dict(_tasks(params, models)),
        "cells": {
            f"{model.name}-{task}": _cell(params, model, task)
            for model in models
            for task in model.tasks
        },
        "searches": {key: _search(search) for key, search in searches(params).items()},
        "certificates": _of_cells(certified(params)),
        "taskspaces": _of_cells(task_spaces(params)),
        "representations": _of_cells(represented(params)),
        "transfers": {name: {"tokens": one.tokens} for name, one in transfers(params).items()},
    }


def graph_item(params: Params, section: str, key: str) -> Mapping[str, str]:
    """The item of that key in a section of the graph.

    Raises:
        UserError: there is none.
    """
    items = graph_items(params)[section]
    if key not in items:
        raise UserError(f"params.yaml gives {section} no item {key!r}: {nearest(key, list(items))}")
    return items[key]


def _local(place: Place, where: str | None) -> str:
    """A local folder of a published model, or nothing for one of the hub."""
    if place.source != "folder" or where is None:
        return _NOTHING
    inside = place.folder if where == place.id else None
    return str(Path(where) / (inside or ""))


def _pretraining(params: Params) -> Items:
    """One item, the first checkpoint, or none: then nothing of pretraining is in the graph."""
    if not params.pretrains():
        return {}
    local = params.tokenizer.source == "folder" and params.tokenizer.id
    facts = {
        "corpus": watched(params, "corpus") or _NOTHING,
        "tokenizer": local or _NOTHING,
    }
    return {params.first(): facts}


def _tasks(params: Params, models: list[MeasuredModel]) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Each task once for each tokenizer that it is tokenised with."""
    for tokens in dict.fromkeys(model.tokens for model in models):
        tasks = next(model.tasks for model in models if model.tokens == tokens)
        for task in tasks:
            yield (
                f"{tokens}-{task}",
                {
                    "tokens": tokens,
                    "task": task,
                    "tokenizer": str(tokenizer_of(params, tokens)),
                    "files": watched(params, f"tasks/{task}") or _NOTHING,
                },
            )


def tokenizer_of(params: Params, tokens: str) -> Path:
    """The folder whose tokenizer tasks are tokenised with."""
    if tokens != SHARED_TOKENS:
        return paths.model(tokens)
    if params.pretrains():
        return paths.TOKENIZER
    return paths.model(params.trajectory.tokenizer or params.first())


def _cell(params: Params, model: MeasuredModel, task: str) -> Mapping[str, str]:
    neighbour = rate_neighbour(params, model, task)
    return {
        "model": model.name,
        "task": task,
        "tokens": model.tokens,
        "neighbour": str(paths.full_result(neighbour, task)) if neighbour else _NOTHING,
    }


def _of_cells(planned: Mapping[str, PlannedSearch]) -> Items:
    """The items of a stage that goes on from the searches of cells."""
    return {
        key: {"model": one.model.name, "task": one.task, "tokens": one.model.tokens}
        for key, one in planned.items()
    }


def _search(search: PlannedSearch) -> Mapping[str, str]:
    model, task, method = search.model, search.task, search.method
    neighbour = None if method else model.neighbour
    return {
        "model": model.name,
        "task": task,
        "tokens": model.tokens,
        "settings": str(paths.search_settings(method)),
        "neighbour": str(paths.answer(neighbour, task)) if neighbour else _NOTHING,
        "out": str(paths.search(model.name, task, method)),
    }
