"""A study's stages by kind: how many there are, and what each is expected to compute."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.estimate.costs import estimate
from pipeline.study.graph import graph_items
from pipeline.study.params import Params

# The graph's sections, each with the kinds of stages that have an item of it.
_KINDS = {
    "files": ("file",),
    "pretraining": ("tokenizer", "corpus", "init"),
    "segments": ("pretrain",),
    "models": ("model",),
    "tasks": ("task",),
    "cells": ("baseline",),
    "searches": ("search",),
    "certificates": ("bound",),
    "taskspaces": ("its",),
    "representations": ("representation",),
    "transfers": ("transfer",),
}
_ONCE = ("settings", "collect", "report")
# The estimate's parts by the kind of stage that computes them.
_PARTS = {
    "pretrain": ("pretraining",), "baseline": ("baseline",), "search": ("search", "sweep"),
    "bound": ("bound",), "its": ("its",), "representation": ("representation",),
    "transfer": ("transfer",),
}  # fmt: skip


def stages_by_kind(params: Params) -> Mapping[str, int]:
    """How many stages of each kind DVC has."""
    items = graph_items(params)
    counts = {kind: len(items[section]) for section, kinds in _KINDS.items() for kind in kinds}
    return {**counts, **dict.fromkeys(_ONCE, 1)}


def flop_by_kind(params: Params) -> Mapping[str, float]:
    """The FLOP that a stage of each kind is expected to take, for kinds that take any."""
    made, counts = estimate(params, prepared=True).flop, stages_by_kind(params)
    return {
        kind: sum(made.get(part, 0.0) for part in parts) / counts[kind]
        for kind, parts in _PARTS.items()
        if counts[kind]
    }
