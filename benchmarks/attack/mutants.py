"""A tiny study with a changed value, really run: it ends in results, or in a sentence.

Changes of a finished study's params.yaml are drawn by hypothesis. What the parser takes, and an
estimate holds for small enough, is run by the driver on a copy of the study; what the change leaves
as it was comes from DVC's cache. A change that reaches no stage that measures, and alters nothing,
is not heard. Then the same command is run again and must find nothing to do.
"""

from __future__ import annotations

import random
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.attack import forked
from benchmarks.attack.damage import given as given_by
from benchmarks.attack.forked import Ended
from benchmarks.attack.mutations import Place, changed, places, values
from benchmarks.attack.tiny import write_params
from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.estimate import expected
from pipeline.estimate.costs import Estimate, estimate
from pipeline.study.params import Params
from pipeline.study.reading import as_params

_REPRO = ("pipeline", "repro", "--plain", "--jobs", "1")
# Stages that run at every edit of params.yaml, or write down what others have made.
_REPEATING = {"settings", "collect", "report"}
_NOTHING_LEFT = "everything is up to date"
# Of what the unchanged study costs: more is not run here.
_LARGEST = 4.0


@dataclass
class Found:
    """What became of changed studies.

    Attributes:
        drawn: changes in all.
        read: that the parser took, and that mean something else than what was there.
        small: of these, the ones small enough to be run.
        ends: how those that were run ended.
        wrong: those that must not be.
    """

    drawn: int = 0
    read: int = 0
    small: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether each change that was run was heard, or refused in a sentence."""
        return not self.wrong

    def table(self) -> list[str]:
        """The counts as Markdown."""
        ends = "; ".join(f"{count} {end}" for end, count in self.ends.most_common())
        return [
            "| changes of a tiny study | read | small enough | really run | not as they should |",
            "|---|---|---|---|---|",
            f"| {self.drawn} | {self.read} | {self.small} | {self.ends.total()}: {ends} | "
            f"{len(self.wrong)} |",
            *(f"wrong: {line}" for line in self.wrong),
        ]


@dataclass(frozen=True)
class Change:
    """A value in a place of params.yaml."""

    place: Place
    value: Any

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.place))} = {self.value!r}"


def attack(
    whole: Path,
    folder: Path,
    *,
    count: int,
    seconds: float,
    chance: int,
    say: Callable[[str], object],
) -> Found:
    """Draw ``count`` changes of a finished study, and run those that fit into the time.

    Args:
        whole: the finished study, which stays as it is.
        folder: where its copies go.
        count: changes in all.
        seconds: after so many no other one is run.
        chance: decides which.
        say: told how each ended.
    """
    forked.load()
    content, found = read_yaml(whole / "params.yaml"), Found()
    accepted = list(_accepted(content, count, chance, found))
    random.Random(chance).shuffle(accepted)
    results, until = _results(whole), time.monotonic() + seconds
    for change in accepted:
        if time.monotonic() > until:
            break
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(whole, folder, symlinks=True)
        write_params(folder, changed(content, change.place, change.value))
        end, why = _end_of(folder, results)
        found.ends[end] += 1
        if end.isupper():
            found.wrong.append(f"{change}: {end}: {why}")
        say(f"{found.ends.total()} {change}: {end} ({why})")
    return found


def drawn(content: Any, count: int, chance: int) -> list[Change]:
    """Changes of what a params.yaml holds, as hypothesis draws them."""
    found: list[Change] = []
    where = [(place, values(kind)) for place, kind in places(content, Params) if place]

    @seed(chance)
    @settings(
        max_examples=count, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.integers(0, len(where) - 1), st.data())
    def draw(index: int, data: st.DataObject) -> None:
        place, written = where[index]
        found.append(Change(place, data.draw(written)))

    draw()
    return found


def _accepted(content: Any, count: int, chance: int, found: Found) -> Iterator[Change]:
    """Those that are read as another study, and are small enough to be run."""
    before = as_params(content)
    with mock.patch.object(expected, "expected_epochs", lambda *_, **__: float(expected.EPOCHS)):
        most = estimate(before)
        for change in drawn(content, count, chance):
            found.drawn += 1
            try:
                params = as_params(changed(content, change.place, change.value))
            except UserError:
                continue
            if params != before:
                found.read += 1
                if _small(params, most):
                    found.small += 1
                    yield change


def _small(params: Params, most: Estimate) -> bool:
    try:
        made = estimate(params)
    except UserError:
        # A stage will say so too, before it has done much.
        return True
    flop, known = made.most_flop + sum(made.flop.values()), most.most_flop + sum(most.flop.values())
    return (
        flop <= _LARGEST * known
        and made.parameters <= _LARGEST * most.parameters
        and made.stages <= _LARGEST * most.stages
    )


def _end_of(folder: Path, before: dict[str, str]) -> tuple[str, str]:
    ended = forked.command(folder, *_REPRO)
    if ended.status is None:
        return "ended after its time", f"{forked.PATIENCE:g} s"
    if ended.torn:
        return "TRACEBACK", f"status {ended.status}, {_last(ended)}"
    if ended.refused:
        return "refused by a stage", _last(ended)
    after = _results(folder)
    again = forked.command(folder, *_REPRO)
    if _last(again) != _NOTHING_LEFT:
        return "NEVER DONE", _last(again)
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if names:
        return "another result", ", ".join(names[:2])
    return ("the same result", _last(ended)) if _measured(ended) else ("UNHEARD", _last(ended))


def _measured(ended: Ended) -> bool:
    """Whether the change reached a stage that measures, which may have found the same again."""
    return bool(set(re.findall(r"^Running stage '([^'@]+)", ended.said, re.M)) - _REPEATING)


def _last(ended: Ended) -> str:
    return (ended.said.strip() or "nothing").splitlines()[-1]


def _results(folder: Path) -> dict[str, str]:
    """The hashes of what is made, without the settings and the page that repeat the parameters."""
    own = ("data/settings/", "reports/index.html")
    return {name: digest for name, digest in given_by(folder).items() if not name.startswith(own)}
