"""Stages ``model@NAME``: a published model as a checkpoint folder."""

from __future__ import annotations

import logging

from pipeline import paths
from pipeline.published.fetching import fetch
from pipeline.study.graph import graph_item
from stages import entry


def main() -> None:
    name = entry.key()
    params = entry.params()
    graph_item(params, "models", name)
    place = params.published()[name]
    step = params.checkpoints[name].step if name in params.checkpoints else 0
    made = fetch(place, step, paths.model(name))
    commit = made["origin"]["commit"]
    logging.info("%s is %s%s", name, place.describe(), f", commit {commit}" if commit else "")


if __name__ == "__main__":
    entry.run(main)
