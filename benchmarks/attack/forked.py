"""A study's commands in forks of this process, which has loaded the large libraries already."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import runpy
import sys
from dataclasses import dataclass
from pathlib import Path

from pipeline.running import startup
from pipeline.workers import process as workers

_LOADED = (
    "dvc.repo", "dvc.repo.reproduce", "pandas", "pyarrow.parquet", "scipy.stats", "seaborn",
    "pipeline.certificates.certify", "pipeline.probes.search", "pipeline.report.page",
    "pipeline.finetuning.full", "pipeline.pretraining.run", "pipeline.workers.driver",
    "pipeline.workers.healing", "transformers.models.roberta.modeling_roberta",
)  # fmt: skip
# Seconds that any command of a tiny study may take.
PATIENCE = 300.0


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status (None where it hung) and all that it said."""

    status: int | None
    said: str

    @property
    def refused(self) -> bool:
        """Whether it ended with a sentence of the product's own."""
        return self.status == 2 and not self.torn

    @property
    def torn(self) -> bool:
        """Whether it ended with more or less than a sentence, or not at all."""
        told = "\nerror: " in f"\n{self.said}" and "Traceback (most recent call" not in self.said
        return self.status != 0 and not (self.status == 2 and told)


def load() -> None:
    """Load what the commands need, once for all forks."""
    for name in _LOADED:
        importlib.import_module(name)


def command(folder: Path, module: str, *words: str, item: str = "") -> Ended:
    """Run ``python -m module words`` in a folder, as DVC's stage ``item`` if one is given."""
    said = folder / "said.txt"
    forks = multiprocessing.get_context("fork")
    process = forks.Process(target=_run, args=(folder, said, (module, *words), item))
    process.start()
    process.join(PATIENCE)
    if process.exitcode is None:
        process.kill()
        process.join()
        return Ended(None, f"hangs: {said.read_text(errors='replace')}")
    return Ended(process.exitcode, said.read_text(errors="replace"))


def _run(folder: Path, said: Path, words: tuple[str, ...], item: str) -> None:
    startup.PARENT = os.getppid()
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for standard in (1, 2):
        os.dup2(output, standard)
    # What a caller put in their place would keep the words to itself.
    sys.stdout, sys.stderr = (os.fdopen(standard, "w", buffering=1) for standard in (1, 2))
    os.chdir(folder)
    os.environ |= {"DVC_STAGE": item, "DVC_NO_ANALYTICS": "1"}
    # The driver's own commands need no server that loads all libraries again.
    workers.context = lambda: multiprocessing.get_context("fork")
    sys.argv = list(words)
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
