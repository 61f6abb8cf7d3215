"""SAID in PEFT's own method comparison: its script, its model and data, a row for each d.

    python -m benchmarks.peft_comparison PEFT_CHECKOUT [--dims 256 4096 65536 1000000]
        [--model meta-llama/Llama-3.2-3B] [--full-rate 1e-5] [--relative 0.35] [--dry]

PEFT_CHECKOUT is a clone of PEFT's repository, installed with ``pip install -e``; its script needs a
GPU. Writes ``experiments/said/…`` into its ``method_comparison/MetaMathQA``, runs its ``run.py`` on
each with SAID registered, and prints a table of what it measured. With ``--dry`` the script runs on
a CPU on a copy of itself, a tiny random model and a few sums, to see that all fits together.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.peft_comparison import dry
from benchmarks.peft_comparison.experiments import Rates, parameters_of, write_experiment
from benchmarks.peft_comparison.outcome import TABLE, outcome_of
from pipeline.errors import UserError

_SCRIPTS = Path("method_comparison/MetaMathQA")
_DIMS, _DRY_DIMS = (256, 4096, 65536, 1_000_000), (64, 1024)


def main() -> int:
    """Write the experiments and run the script on each; status 1 where one did not finish."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peft_comparison", description=__doc__
    )
    parser.add_argument("checkout", type=Path, help="a clone of PEFT's repository")
    parser.add_argument("--dims", type=int, nargs="+", help=f"which d (default {_DIMS})")
    parser.add_argument("--model", default="meta-llama/Llama-3.2-3B", help="the script's default")
    parser.add_argument("--full-rate", type=float, default=1e-5, help="of full fine-tuning there")
    parser.add_argument("--relative", type=float, default=0.35, help="to that (normalisation.md)")
    parser.add_argument("--dry", action="store_true", help="here, on a tiny random model")
    chosen = parser.parse_args()
    try:
        scripts = scripts_of(chosen.checkout)
        rates = Rates(chosen.full_rate, chosen.relative)
        if not chosen.dry:
            check_environment(chosen.checkout)
            return compare(scripts, chosen.model, chosen.dims or _DIMS, rates, {}, [])
        with tempfile.TemporaryDirectory() as folder:
            copy, model = dry.prepare(scripts, Path(folder))
            return compare(copy, model, chosen.dims or _DRY_DIMS, rates, dry.TRAINING, ["--dry"])
    except UserError as error:
        print(error, file=sys.stderr)
        return 1


def scripts_of(checkout: Path) -> Path:
    """The folder of PEFT's script.

    Raises:
        UserError: it is not there.
    """
    scripts = checkout.resolve() / _SCRIPTS
    if not (scripts / "run.py").is_file():
        raise UserError(
            f"{checkout} has no {_SCRIPTS}/run.py: give a clone of PEFT's repository (packages of "
            "PEFT are without it)"
        )
    return scripts


def check_environment(checkout: Path) -> None:
    """See that the script can run to its end.

    Raises:
        UserError: Python is too old to save what was trained, or PEFT is not imported from the
            checkout, whose commit and branch the script asks git for.
    """
    import peft

    if sys.version_info < dry.NEEDED:
        raise UserError(
            f"PEFT's comparison is for Python {'.'.join(map(str, dry.NEEDED))} and newer, and this "
            f"is {sys.version.split()[0]}: make the environment with another"
        )
    place = Path(peft.__file__).resolve()
    if not place.is_relative_to(checkout.resolve()):
        raise UserError(
            f"PEFT is imported from {place.parent}, not from {checkout}: pip install -e {checkout}"
        )


def compare(
    scripts: Path,
    model: str,
    dims: tuple[int, ...],
    rates: Rates,
    training: dict[str, object],
    options: list[str],
) -> int:
    """Write the experiments, run the script on each, and print the table.

    Args:
        scripts: the folder of ``run.py``.
        model: the model's name or folder.
        dims: which d.
        rates: the learning rate of each.
        training: further parameters of the script that differ from its defaults.
        options: of the process that runs the script.

    Returns:
        1 where an experiment did not finish, else 0.
    """
    size = parameters_of(model)
    names = [write_experiment(scripts, model, size, d, rates, training) for d in dims]
    outcomes = []
    for name in names:
        before = time.time()
        # A process each: the script refuses a GPU that something is on.
        command = [sys.executable, "-m", "benchmarks.peft_comparison.one", str(scripts), name]
        root = Path(__file__).parents[2]
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))
        environment = os.environ | {"PYTHONPATH": path}
        subprocess.run([*command, *options], cwd=root, env=environment, check=False)
        outcomes.append(outcome_of(scripts, name, before))
    print("\n".join([*TABLE, *(outcome.row() for outcome in outcomes)]))
    return int(not all(outcome.finished for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
