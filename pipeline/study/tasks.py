"""A task's settings: what it says itself, and the defaults of ``data`` and ``finetune``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pipeline.common.artifacts import Json
from pipeline.common.config import nearest
from pipeline.errors import UserError
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.tasks.config import TaskDataConfig

# Section → what it configures; each is a section of its own with defaults, and one of a task.
SECTIONS = {"data": TaskDataConfig, "finetune": FinetuneConfig}


@dataclass(frozen=True)
class TaskConfig:
    """A task's data and how it is fine-tuned."""

    data: TaskDataConfig
    finetune: FinetuneConfig


def completed(content: Mapping[str, Any]) -> Json:
    """The content of params.yaml with each task's sections completed by the defaults.

    A key of the task replaces the default's key as a whole: with ``data: {columns: {text_a: a,
    text_b: b}}`` a task that says ``columns`` says all of its columns.

    Raises:
        UserError: a default section has a key that no task could have.
    """
    rest = {key: value for key, value in content.items() if key not in SECTIONS}
    defaults = {section: _defaults(section, content.get(section)) for section in SECTIONS}
    tasks = content.get("tasks")
    if isinstance(tasks, Mapping):
        rest["tasks"] = {name: _with(task, defaults) for name, task in tasks.items()}
    return rest


def _with(task: Any, defaults: Mapping[str, Mapping[str, Any]]) -> Any:
    """A task with the defaults that it does not replace; one that is no mapping is left alone."""
    if not isinstance(task, Mapping):
        return task
    own = {section: task.get(section, {}) for section in SECTIONS}
    return {
        **task,
        **{
            section: {**defaults[section], **value} if isinstance(value, Mapping) else value
            for section, value in own.items()
        },
    }


def _defaults(section: str, value: Any) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UserError(f"params.yaml: {section} must be a mapping of keys to values")
    valid = [field.name for field in fields(SECTIONS[section])]
    for key in value:
        if key not in valid:
            raise UserError(
                f"params.yaml: {section} has the unknown key {key!r}: {nearest(key, valid)}"
            )
    return value
