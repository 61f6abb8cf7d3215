"""A study that takes a moment, in a folder of its own, and what it leaves."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.common.yaml_file import read_yaml
from pipeline.study.graph import write_graph
from pipeline.study.reading import load_params

ROOT = Path(__file__).parents[2]
_SOURCES = ("pipeline", "stages", "dvc.yaml", ".dvcignore", ".gitignore")
# What all processes of a study have in their environment.
MARK = "ATTACKED_STUDY"


def tiny_params(tasks: Iterable[str] = ("polarity_short", "paraphrase")) -> dict[str, Any]:
    """The laptop's parameters, cut until a cell takes a moment."""
    params = read_yaml(ROOT / "presets/laptop.yaml")
    params["tokenizer"]["vocab_size"] = 500
    params["corpus"]["sources"] = [{"synthetic": {"documents": 600}}]
    params["model"] |= {"width": 16, "heads": 2, "feed_forward": 32, "init_std": 0.2}
    params["pretrain"]["recipe"] |= {
        "total_steps": 100, "batch": 8, "micro_batch": 8, "warmup_steps": 2, "log_every": 2,
        "save_every": 2,
    }  # fmt: skip
    params["checkpoints"] = {"s0": 0, "s8": 8}
    params["finetune"] |= {"epochs": 4, "batch": 16, "learning_rates": [0.01]}
    params["tasks"] = {name: params["tasks"][name] for name in tasks}
    for task in params["tasks"].values():
        for split in ("train", "eval"):
            task["data"][split][0]["synthetic"]["rows"] = 320
    params["baseline"]["runs"] = 2
    params["search"] |= {
        "grid": {"minimum": 8, "maximum": 512, "ratio": 8.0}, "fraction": 0.2, "margin": 0.0,
        "epochs": 8, "rates": [0.35], "efficient": {"precision": 16.0, "budget": 2.0},
    }  # fmt: skip
    return params


def copy_project(folder: Path) -> None:
    """Copy the code and the empty folders of results to a new folder."""
    folder.mkdir(parents=True)
    for name in _SOURCES:
        if (ROOT / name).is_dir():
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, folder / name)
    # Folders that stages depend on are kept in git by a file that says what they are.
    for about in (ROOT / "results").glob("*/README.md"):
        (folder / "results" / about.parent.name).mkdir(parents=True)
        shutil.copy(about, folder / "results" / about.parent.name)


def write_params(folder: Path, params: dict[str, Any]) -> None:
    """Write a study's params.yaml."""
    from ruamel.yaml import YAML

    with open(folder / "params.yaml", "w", encoding="utf-8") as stream:
        YAML(typ="safe", pure=True).dump(params, stream)


@dataclass(frozen=True)
class TinyStudy:
    """A working copy; commands run in it as a user's would."""

    folder: Path

    @staticmethod
    def create(folder: Path, params: dict[str, Any]) -> TinyStudy:
        """A copy of the project without results, with these parameters."""
        copy_project(folder)
        write_params(folder, params)
        write_graph(load_params(folder / "params.yaml"), folder / "graph.yaml")
        study = TinyStudy(folder)
        study.start("git", "init", "--quiet").wait()
        study.start("dvc", "init", "--quiet").wait()
        shutil.copy(ROOT / ".dvc/config", folder / ".dvc/config")
        return study

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own; what it says goes to ``said.txt``."""
        environment = os.environ | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "DVC_NO_ANALYTICS": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": "",
            MARK: str(self.folder),
        }
        with open(self.folder / "said.txt", "w") as said:
            return subprocess.Popen(
                words, cwd=self.folder, env=environment, stdout=said, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, text=True, start_new_session=True,
                # A shell that starts something in the background has it ignore Ctrl-C.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )  # fmt: skip

    def said(self) -> str:
        """What the last command said."""
        return (self.folder / "said.txt").read_text(errors="replace")

    def left(self) -> dict[str, str]:
        """The hash of each file of the report, of DVC's cache, and of dvc.lock."""
        folders = [self.folder / name for name in ("reports", ".dvc/cache")]
        # A kill leaves what DVC was copying under a name that no command of its looks for.
        every = [path for folder in folders for path in sorted(folder.rglob("*"))]
        files = [path for path in every if path.is_file() and path.suffix != ".tmp"]
        return {
            str(path.relative_to(self.folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (*files, self.folder / "dvc.lock")
        }
