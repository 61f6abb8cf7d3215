"""What can be asked of a run beside its targets, by the names that ``dvc repro`` has for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The options of ``dvc repro`` that ``python -m pipeline repro`` knows too.

    Attributes:
        force: run every stage, up to date or not, and take nothing from the run cache.
        dry: say what would run, and change nothing.
        single_item: the targets alone, without the stages that they need.
        keep_going: after a failure go on with all that does not wait for it.
        allow_missing: a stage of which nothing but data is missing counts as unchanged.
    """

    force: bool = False
    dry: bool = False
    single_item: bool = False
    keep_going: bool = False
    allow_missing: bool = False
