"""Tasks: from rows of text to token ids and targets, and what answers are worth."""

from pipeline.tasks.data import Split, TaskData
from pipeline.tasks.kinds import TaskKind

__all__ = ["Split", "TaskData", "TaskKind"]
