"""Where everything lies, relative to the repository's root: the one list that stages share."""

from __future__ import annotations

from pathlib import Path

PARAMS = Path("params.yaml")
# What a stage needs of a cluster: it decides no result, and no stage depends on it.
CLUSTER = Path("cluster.yaml")
GRAPH = Path("graph.yaml")
SETTINGS = Path("data/settings")
FILES = Path("data/files")
TOKENIZER = Path("data/tokenizer")
CORPUS = Path("data/corpus")
RESULTS = Path("results")
HISTORY = RESULTS / "pretraining"
REPORTS = Path("reports")
# On what each cell was computed: apart from its result, which is the same elsewhere.
MACHINE = RESULTS / "machine"
# How long each cell took: DVC does not know of it, because it differs from run to run.
_TIMING = RESULTS / "timing"
# Work in progress that DVC does not know: it survives an interrupted stage and a deleted output.
_SCRATCH = Path(".scratch")
# What came from a cluster's nodes and is not in its place yet.
ARRIVING = _SCRATCH / "arriving"
# What was said while a terminal showed a board instead.
SAID = _SCRATCH / "repro.log"
# What an item of the graph depends on that has nothing else to depend on: a file that says null.
NOTHING = SETTINGS / "nothing.json"
# What every item of the graph waits for: written once params.yaml and graph.yaml are checked.
CHECKED = SETTINGS / "checked.json"


def task_settings(task: str, section: str) -> Path:
    """A task's section (``data`` or ``finetune``) with all defaults filled in."""
    return SETTINGS / "tasks" / task / f"{section}.json"


def model_settings(name: str) -> Path:
    """Where a published model lies."""
    return SETTINGS / "models" / f"{name}.json"


def checkpoint_settings(name: str) -> Path:
    """How far pretraining goes to a checkpoint, and whether its rate decays on the way."""
    return SETTINGS / "checkpoints" / f"{name}.json"


def baseline_settings() -> Path:
    """By which protocol full fine-tuning is measured."""
    return SETTINGS / "baseline.json"


def search_settings(method: str | None) -> Path:
    """How d₉₀ is searched for: by the study, or by a sweep with a method."""
    return SETTINGS / "searches" / f"{method or 'study'}.json"


def certificate_settings() -> Path:
    """The table of candidates of every certificate."""
    return SETTINGS / "certificates.json"


def task_space_settings() -> Path:
    """How every task-specific subspace is learned."""
    return SETTINGS / "taskspaces.json"


def representation_settings() -> Path:
    """How the dimension of every cell's hidden states is measured."""
    return SETTINGS / "representation.json"


def transfer_settings() -> Path:
    """How directions of several tasks are put together at every model."""
    return SETTINGS / "transfer.json"


def watched(owner: str) -> Path:
    """The hashes of an owner's local files."""
    return FILES / owner


def task(tokens: str, name: str) -> Path:
    """A task tokenised with somebody's tokenizer (`pipeline.study.measured.MeasuredModel`)."""
    return Path("data/tasks") / tokens / name


def model(name: str) -> Path:
    """A model's Hugging Face folder."""
    return Path("checkpoints") / name / "model"


def state(checkpoint: str) -> Path:
    """What resuming from a checkpoint needs."""
    return Path("checkpoints") / checkpoint / "state"


def history(checkpoint: str) -> Path:
    """What the segment of pretraining that ends in a checkpoint logged."""
    return HISTORY / f"{checkpoint}.jsonl"


def baseline(model_name: str, task_name: str) -> Path:
    """The result of full fine-tuning."""
    return RESULTS / "baseline" / model_name / task_name


def full_result(model_name: str, task_name: str) -> Path:
    """What a search's target and the next checkpoint's full fine-tuning come from."""
    return baseline(model_name, task_name) / "result.json"


def search(model_name: str, task_name: str, method: str | None = None) -> Path:
    """The result of a search; of a sweep's with ``method``."""
    if method is None:
        return RESULTS / "search" / model_name / task_name
    return RESULTS / "sweep" / model_name / task_name / method


def certificate(model_name: str, task_name: str) -> Path:
    """The certificates of a cell."""
    return RESULTS / "bound" / model_name / task_name


def task_space(model_name: str, task_name: str) -> Path:
    """The task-specific subspace of a cell."""
    return RESULTS / "its" / model_name / task_name


def representation(model_name: str, task_name: str) -> Path:
    """The dimension of a cell's hidden states."""
    return RESULTS / "representation" / model_name / task_name


def transfer(model_name: str) -> Path:
    """What directions of several tasks are worth at a model."""
    return RESULTS / "transfer" / model_name


def answer(model_name: str, task_name: str) -> Path:
    """What the next checkpoint's search starts from."""
    return search(model_name, task_name) / "answer.json"


def machine(stage: str, key: str) -> Path:
    """On what a stage's item was computed."""
    return MACHINE / stage / f"{key}.json"


def timing(stage: str, key: str) -> Path:
    """How many seconds a stage's item took."""
    return _TIMING / stage / f"{key}.json"


def lock(stage: str) -> Path:
    """What the process holds that makes a stage's item."""
    return _SCRATCH / "locks" / f"{stage}.lock"


def scratch(stage: str, *names: str) -> Path:
    """The scratch folder of a stage's item."""
    return _SCRATCH.joinpath(stage, *names)


def scratch_of_item(stage: str, key: str) -> Path:
    """Where an item's work in progress lies: by its key, or by the parts that make the key."""
    own = _SCRATCH / stage
    parts = (path.relative_to(own) for path in own.glob("*/*") if path.is_dir())
    return own / next((path for path in parts if "-".join(path.parts) == key), Path(key))
