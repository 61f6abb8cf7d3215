"""PEFT's script on one experiment, in a process that knows SAID.

python -m benchmarks.peft_comparison.one SCRIPTS EXPERIMENT [--dry]
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import pipeline.sharing.said_tuner  # noqa: F401 — registers SAID with PEFT


def main() -> None:
    """Run ``run.py`` as a user would, from its own folder."""
    scripts, experiment, *options = sys.argv[1:]
    os.chdir(scripts)
    # Its modules are called utils and data.
    sys.path.insert(0, scripts)
    if options == ["--dry"]:
        from benchmarks.peft_comparison.dry import stand_in

        stand_in()
    sys.argv = ["run.py", "--verbose", "--clean", experiment]
    runpy.run_path(str(Path(scripts) / "run.py"), run_name="__main__")


if __name__ == "__main__":
    main()
