"""A fine-tuned task as an ordinary model folder: a checkpoint moved by a task vector."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.common.artifacts import atomic_directory, sha256
from pipeline.common.manifest import MODEL_MANIFEST, check_model
from pipeline.errors import UserError
from pipeline.models.opening import hold_in_bfloat16, open_for_task
from pipeline.subspace.task_vector import Classifier, TaskVector, load_task_vector
from pipeline.taskspaces.keeping import LayeredVector, load_layered
from pipeline.training.parameters import FlatParameters

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def apply_task(checkpoint: Path, task_file: Path, out: Path) -> str:
    """Write the model that a task vector describes as a Hugging Face folder with its tokenizer.

    The weights are those that the task was measured with, bit for bit on the same type of device.

    Args:
        checkpoint: a checkpoint's model folder, with its ``checkpoint.json``.
        task_file: what `save_task_vector` wrote for a classifier on that checkpoint, or
            `pipeline.taskspaces.keeping.save_layered`, with the directions beside it.
        out: the folder to make; it must not exist.

    Returns:
        A sentence that says what was written.

    Raises:
        UserError: the checkpoint or the file is damaged, they do not belong together, or ``out``
            exists or cannot be written.
    """
    if out.exists():
        raise UserError(f"{out} exists: remove it, or name another folder")
    task = load_layered(task_file) or _classifying(task_file)
    model = _opened(checkpoint, task)
    assert task.classifier is not None
    task.apply(FlatParameters(model), task.checkpoint)
    _describe(model, task.classifier)
    try:
        _write(model, checkpoint, out)
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error}") from error
    return f"{out}: {task.task} from d = {task.dimension} numbers on {checkpoint}"


def open_start(checkpoint: Path, task_file: Path) -> tuple[PreTrainedModel, TaskVector]:
    """The model that a task vector starts from, θ₀ with the task's head, and the vector.

    Raises:
        UserError: the checkpoint or the file is damaged, they do not belong together, or the file
            describes no classifier.
    """
    task = _classifying(task_file)
    return _opened(checkpoint, task), task


def _classifying(task_file: Path) -> TaskVector:
    """A task vector of a classifier."""
    task = load_task_vector(task_file)
    if task.classifier is None:
        raise UserError(
            f"{task_file} does not describe a classifier: restore it with `TaskVector.apply` into "
            "the model that it was trained on"
        )
    return task


def _opened(checkpoint: Path, task: TaskVector | LayeredVector) -> PreTrainedModel:
    """θ₀ with the task's head; that it is the vector's checkpoint is checked."""
    assert task.classifier is not None
    if not (checkpoint / MODEL_MANIFEST).exists():
        raise UserError(
            f"{checkpoint} has no {MODEL_MANIFEST}: give a checkpoint's model folder, "
            "such as checkpoints/s2000/model"
        )
    check_model(checkpoint)
    model = open_for_task(
        checkpoint,
        outputs=task.classifier.outputs,
        problem=task.classifier.problem,
        dropout=None,
        seed=task.classifier.seed,
    )
    if isinstance(task, TaskVector) and task.weights == "bfloat16":
        hold_in_bfloat16(model)
    task.check_checkpoint(sha256(checkpoint / MODEL_MANIFEST))
    return model


def _describe(model: PreTrainedModel, classifier: Classifier) -> None:
    """Let the model's configuration say what its outputs mean."""
    model.config.problem_type = classifier.problem
    names = classifier.labels or ("value",)
    model.config.id2label = dict(enumerate(names))
    model.config.label2id = {name: index for index, name in enumerate(names)}


def _write(model: PreTrainedModel, checkpoint: Path, out: Path) -> None:
    with atomic_directory(out) as folder:
        model.save_pretrained(folder)
        for path in sorted(checkpoint.glob("tokenizer*.json")):
            shutil.copyfile(path, folder / path.name)
