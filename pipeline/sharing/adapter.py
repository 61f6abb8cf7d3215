"""A fine-tuned task as an adapter that PEFT loads."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from pipeline.common.artifacts import atomic_directory
from pipeline.common.manifest import seal
from pipeline.errors import UserError
from pipeline.sharing.apply import open_start
from pipeline.training.parameters import FlatParameters

ADAPTER_MANIFEST = "adapter.json"


def write_adapter(checkpoint: Path, task_file: Path, out: Path, base: str | None = None) -> str:
    """Write a task vector as a folder for ``PeftModel.from_pretrained``.

    Args:
        checkpoint: the checkpoint's model folder, with its ``checkpoint.json``.
        task_file: what `save_task_vector` wrote for a classifier on that checkpoint.
        out: the folder to make; it must not exist.
        base: what the adapter says of where its base model lies; None for ``checkpoint``.

    Returns:
        A sentence that says what was written.

    Raises:
        UserError: as `pipeline.sharing.apply.apply_task`, or PEFT is not installed.
    """
    try:
        import peft

        from pipeline.sharing.said_tuner import SaidConfig
    except ImportError as error:
        raise UserError(f"an adapter for PEFT needs PEFT ({error}): pip install peft") from None
    if out.exists():
        raise UserError(f"{out} exists: remove it, or name another folder")
    model, task = open_start(checkpoint, task_file)
    vector = task.subspace(FlatParameters(model), task.checkpoint).vector
    config = SaidConfig(
        task_type=peft.TaskType.SEQ_CLS,
        d=task.dimension,
        seed=task.seed,
        subspace=asdict(task.config),
        layout=task.layout,
        task=task.task,
        checkpoint=task.checkpoint,
        weights=task.weights,
    )
    adapted = peft.get_peft_model(model, config)
    config.base_model_name_or_path = base or str(checkpoint)
    adapted.base_model.model.said.said_theta["default"].data.copy_(vector)
    with atomic_directory(out) as folder:
        adapted.save_pretrained(str(folder), save_embedding_layers=False)
        seal(folder, ADAPTER_MANIFEST, task=task.task, checkpoint=task.checkpoint)
    return f"{out}: {task.task} as a PEFT adapter of {task.dimension} numbers on {checkpoint}"
