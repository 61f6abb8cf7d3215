"""Attack the product and say what held.

python -m benchmarks.attack kills --count 200
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.attack.kills import attack


def main() -> int:
    """Run the attack that the arguments name; status 1 where something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attack", description=__doc__)
    attacks = parser.add_subparsers(required=True, metavar="ATTACK")
    kills = attacks.add_parser("kills", help="kill driver, worker, dvc, fork server and stages")
    kills.add_argument("--count", type=int, default=200, help="kills in all (default 200)")
    kills.add_argument("--seed", type=int, default=0, help="whom, when and how (default 0)")
    kills.set_defaults(run=_kills)
    chosen = parser.parse_args()
    held, lines = chosen.run(chosen)
    print("\n".join(lines))
    return 0 if held else 1


def _kills(chosen: argparse.Namespace) -> tuple[bool, list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        found = attack(Path(folder), chosen.count, chosen.seed, say=print)
    return found.held, found.table()


if __name__ == "__main__":
    sys.exit(main())
