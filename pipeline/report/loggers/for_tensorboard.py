"""TensorBoard's event files: a folder a run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from pipeline.report.loggers.series import Series


def write(series: Iterable[Series], folder: Path) -> None:
    """Write a folder a run, with one event file: a scalar a name and step, settings as text."""
    for run in series:
        writer = EventFileWriter(str(folder / run.name))
        for point in run.points:
            values = [
                Summary.Value(tag=name, simple_value=value) for name, value in point.values.items()
            ]
            # The step stands for the time: a finished study has no other.
            writer.add_event(
                Event(step=point.step, wall_time=point.step, summary=Summary(value=values))
            )
        writer.close()
