"""Classification tasks: from rows of text to token ids, and the metrics they are scored with."""

from pipeline.tasks.data import Split, TaskData
from pipeline.tasks.metrics import accuracy, f1, majority

__all__ = ["Split", "TaskData", "accuracy", "f1", "majority"]
