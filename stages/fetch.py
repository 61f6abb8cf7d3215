"""Stages ``suite@NAME`` and ``model@NAME``: a published model as a checkpoint folder."""

from __future__ import annotations

import argparse
import logging

from pipeline import paths
from pipeline.published.fetching import fetch
from pipeline.study import params
from stages import entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    name = parser.parse_args().name
    place, step = params.load().published(name)
    made = fetch(place, step, paths.model(name))
    commit = made["origin"]["commit"]
    logging.info("%s is %s%s", name, place.describe(), f", commit {commit}" if commit else "")


if __name__ == "__main__":
    entry.run(main)
