"""Attack the product and say what held.

python -m benchmarks.attack damage --count 150 --seed 0
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from benchmarks.attack import damage, fuzzed, kills, mutants
from benchmarks.attack.tiny import TinyStudy, tiny_params

# Minutes in which changed studies are run.
_RUNNING = 4.0


class Found(Protocol):
    """What an attack saw."""

    @property
    def held(self) -> bool:
        """Whether all that should hold did."""

    def table(self) -> list[str]:
        """The counts, as lines of Markdown."""


def main() -> int:
    """Run the attack that the arguments name; status 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attack", description=__doc__)
    attacks = parser.add_subparsers(required=True, metavar="ATTACK")
    for name, (run, count, said) in ATTACKS.items():
        one = attacks.add_parser(name, help=said)
        one.add_argument("--count", type=int, default=count, help=f"in all (default {count})")
        one.add_argument("--seed", type=int, default=0, help="what is chosen (default 0)")
        one.set_defaults(run=run)
        if run is _mutants:
            said = f"after which no other study is begun (default {_RUNNING:g})"
            one.add_argument("--minutes", type=float, default=_RUNNING, help=said)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = chosen.run(Path(folder), chosen)
    print("\n".join(found.table()))
    return 0 if found.held else 1


def _kills(folder: Path, asked: Namespace) -> Found:
    return kills.attack(folder, asked.count, asked.seed, say=_say)


def _params(_: Path, asked: Namespace) -> Found:
    return fuzzed.attack(fuzzed.PARAMS, "changes of a preset", asked.count, asked.seed)


def _tables(_: Path, asked: Namespace) -> Found:
    return fuzzed.attack(fuzzed.TABLES, "table files", asked.count, asked.seed)


def _mutants(folder: Path, asked: Namespace) -> Found:
    return mutants.attack(
        _finished(folder), folder / "changed",
        count=asked.count, seconds=60 * asked.minutes, chance=asked.seed, say=_say,
    )  # fmt: skip


def _damage(folder: Path, asked: Namespace) -> Found:
    return damage.attack(_finished(folder), folder / "damaged", asked.count, asked.seed, say=_say)


def _finished(folder: Path) -> Path:
    """A tiny study that was run to its end."""
    params = tiny_params(["polarity_short"])
    params["certificates"] = {"d": [8], "levels": [3], "epochs": 1}
    study = TinyStudy.create(folder / "whole", params)
    if study.start("python", "-m", "pipeline", "repro", "--jobs", "2").wait():
        raise RuntimeError(f"an untouched study fails: {study.said()}")
    return study.folder


def _say(line: str) -> None:
    print(line, flush=True)


# What each attack is called, does and counts.
ATTACKS: dict[str, tuple[Callable[[Path, Namespace], Found], int, str]] = {
    "kills": (_kills, 200, "kill driver, worker, dvc, fork server and stages"),
    "params": (_params, 8000, "change values of the presets"),
    "mutants": (_mutants, 1000, "run a tiny study with changed values"),
    "tables": (_tables, 2000, "make table files that upset readers"),
    "damage": (_damage, 150, "damage files of a finished study"),
}

if __name__ == "__main__":
    sys.exit(main())
