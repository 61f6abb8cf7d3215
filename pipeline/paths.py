"""Where everything lies, relative to the repository's root: the one list that stages share."""

from __future__ import annotations

from pathlib import Path

PARAMS = Path("params.yaml")
TOKENIZER = Path("data/tokenizer")
CORPUS = Path("data/corpus")
TASKS = Path("data/tasks")
CHECKPOINTS = Path("checkpoints")
RESULTS = Path("results")
REPORTS = Path("reports")
# Work in progress that DVC does not know: it survives an interrupted stage and a deleted output.
SCRATCH = Path(".scratch")


def task(name: str) -> Path:
    """A prepared task."""
    return TASKS / name


def zoo_task(model_name: str, name: str) -> Path:
    """A task prepared with the tokenizer of a model of the zoo."""
    return Path("data/zoo") / model_name / name


def model(checkpoint: str) -> Path:
    """A checkpoint's Hugging Face folder."""
    return CHECKPOINTS / checkpoint / "model"


def state(checkpoint: str) -> Path:
    """What resuming from a checkpoint needs."""
    return CHECKPOINTS / checkpoint / "state"


def cell(stage: str, checkpoint: str, task_name: str) -> Path:
    """The results of one stage (``baseline`` or ``said``) for a checkpoint and a task."""
    return RESULTS / stage / checkpoint / task_name


def near(checkpoint: str) -> Path:
    """What the neighbouring checkpoint's searches found, a file a task."""
    return RESULTS / "near" / checkpoint


def timing(stage: str, checkpoint: str, task_name: str) -> Path:
    """How long a cell took and on what; kept apart because it differs from run to run."""
    return RESULTS / "timing" / stage / f"{checkpoint}-{task_name}.json"


def scratch(stage: str, *names: str) -> Path:
    """The scratch folder of a stage's item."""
    return SCRATCH.joinpath(stage, *names)
