"""A study's stages one by one, from its parameters: which waits for which, and what each costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline import paths
from pipeline.estimate.beyond import add_transfer
from pipeline.estimate.costs import add_cell, add_sweep, sized_models
from pipeline.estimate.sums import Sum
from pipeline.study.graph import Items, graph_items
from pipeline.study.params import Params

Needs = dict[str, list[str]]
# The kinds whose results are collected.
_BEYOND = ("bound", "its", "representation")
_COLLECTED = ("pretrain", "baseline", "search", *_BEYOND, "transfer")


def stage_needs(params: Params) -> Needs:
    """What each stage needs, by DVC's names, in an order in which it comes after all of that."""
    items = graph_items(params)
    needs: Needs = {"settings": []}
    for name in items["files"]:
        needs[f"file@{name}"] = ["settings"]
    _add_pretraining(needs, items)
    for name in items["models"]:
        needs[f"model@{name}"] = ["settings"]
    made = _made(needs, items)
    for kind, section in (("task", "tasks"), ("baseline", "cells"), ("search", "searches")):
        for key in _in_order(items[section], made):
            reads = _reads(kind, items[section][key])
            needs[f"{kind}@{key}"] = ["settings", *(made[one] for one in reads if one in made)]
    for key, item in items["certificates"].items():
        needs[f"bound@{key}"] = [made[str(paths.answer(item["model"], item["task"]))]]
    for key, item in items["taskspaces"].items():
        needs[f"its@{key}"] = [made[str(paths.full_result(item["model"], item["task"]))]]
    for key, item in items["representations"].items():
        both = (paths.model(item["model"]), paths.task(item["tokens"], item["task"]))
        needs[f"representation@{key}"] = [made[str(path)] for path in both]
    for model in items["transfers"]:
        own = (key for key, item in items["taskspaces"].items() if item["model"] == model)
        needs[f"transfer@{model}"] = [f"its@{key}" for key in own]
    read = [name for name in needs if name.partition("@")[0] in _COLLECTED]
    return {**needs, "collect": read, "report": ["collect"]}


def _add_pretraining(needs: Needs, items: Mapping[str, Items]) -> None:
    files = [f"file@{key}" for key, one in items["files"].items() if one["owner"] == "corpus"]
    for name in items["pretraining"]:
        needs[f"tokenizer@{name}"] = ["settings", *files]
        needs[f"corpus@{name}"] = [f"tokenizer@{name}"]
        needs[f"init@{name}"] = [f"tokenizer@{name}"]
        for segment, item in items["segments"].items():
            before = item["after"]
            chain = f"init@{before}" if before == name else f"pretrain@{before}"
            needs[f"pretrain@{segment}"] = [f"corpus@{name}", chain]


def _made(needs: Needs, items: Mapping[str, Items]) -> dict[str, str]:
    """The stage that makes what others name, by its path."""
    made = {
        str(paths.model(name.partition("@")[2])): name
        for name in needs
        if name.partition("@")[0] in ("init", "pretrain", "model")
    }
    for name in items["pretraining"]:
        made[str(paths.TOKENIZER)] = f"tokenizer@{name}"
    for key, item in items["tasks"].items():
        made[str(paths.task(item["tokens"], item["task"]))] = f"task@{key}"
    for key, item in items["cells"].items():
        made[str(paths.full_result(item["model"], item["task"]))] = f"baseline@{key}"
    for key, item in items["searches"].items():
        if item["out"] == str(paths.search(item["model"], item["task"])):
            made[str(paths.answer(item["model"], item["task"]))] = f"search@{key}"
    return made


def _reads(kind: str, item: Mapping[str, str]) -> Sequence[str]:
    """The paths that an item's stage reads, of those that other stages make."""
    if kind == "task":
        return [item["tokenizer"]]
    model, task = item["model"], item["task"]
    both = [str(paths.model(model)), str(paths.task(item["tokens"], task)), item["neighbour"]]
    return both if kind == "baseline" else [*both, str(paths.full_result(model, task))]


def _in_order(items: Items, made: Mapping[str, str]) -> list[str]:
    """The keys, each after that of its neighbour."""
    order: dict[str, None] = {}

    def add(key: str) -> None:
        neighbour = made.get(items[key].get("neighbour", ""), "").partition("@")[2]
        if neighbour in items and neighbour != key:
            add(neighbour)
        order[key] = None

    for key in items:
        add(key)
    return list(order)


def stage_flop(params: Params, prepared: bool = False) -> dict[str, float]:
    """The FLOP that is expected of each stage that computes, by DVC's name of it."""
    found: dict[str, float] = {}
    groups = list(sized_models(params, prepared))
    for group, name in ((one, name) for one in groups for name in one.tasks):
        cell, key = Sum(), f"{group.model.name}-{name}"
        add_cell(params, group, name, cell)
        found[f"baseline@{key}"] = cell.flop["baseline"]
        if name in group.model.searched:
            found[f"search@{key}"] = cell.flop["search"]
        further = (part for part in _BEYOND if part in cell.flop)
        found |= {f"{part}@{key}": cell.flop[part] for part in further}
    for group in groups:
        shared = Sum()
        add_transfer(params, group, shared)
        if "transfer" in shared.flop:
            found[f"transfer@{group.model.name}"] = shared.flop["transfer"]
    swept = [group for group in groups if group.model.name in params.sweep.models]
    for group, name in ((one, name) for one in swept for name in params.sweep.tasks):
        for method in params.sweep.methods:
            sweep = Sum()
            add_sweep(params, group, name, sweep)
            found[f"search@{group.model.name}-{name}-{method}"] = sweep.flop["sweep"]
    for name, before in params.segments().items():
        recipe, size = params.pretrain.recipe, groups[0].size.encoder
        steps = params.checkpoints[name].step - params.checkpoints[before].step
        each = size.training_flop(recipe.length, recipe.mask_probability)
        found[f"pretrain@{name}"] = float(steps * recipe.batch * recipe.length) * each
    return found
