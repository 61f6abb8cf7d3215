"""A cell's answer, from which the search of the next checkpoint starts.

It is a file of its own beside ``result.json``, so that the next search depends on the answer alone:
where its bytes stay as they were, nothing becomes stale.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.common.config import parse
from pipeline.common.sealed import check_whose, read_sealed, write_sealed
from pipeline.common.status import Status
from pipeline.dimension.habits import Habits
from pipeline.dimension.question import Near


@dataclass(frozen=True)
class Neighbour:
    """What a neighbouring checkpoint's search found.

    Attributes:
        model: the checkpoint's name.
        task: the task's name.
        status: where its d₉₀ lies.
        d90: the estimate; None beyond the grid.
        rate: the learning rate of the training at d₉₀ in decades of the unit (`Rates.decades`).
        habits: how its metric rises with d, and how its seeds differ.
    """

    model: str
    task: str
    status: Status
    d90: int | None = None
    rate: float | None = None
    habits: Habits | None = None

    def near(self) -> Near | None:
        """What a search can start from; None where nothing is known of d₉₀."""
        beyond = {Status.BELOW_GRID: 0.0, Status.NOT_REACHED: math.inf}
        if self.status is Status.OK and self.d90 is not None:
            return Near(self.d90, self.rate, self.habits)
        return Near(beyond[self.status], self.rate, self.habits) if self.status in beyond else None

    def write(self, path: Path) -> None:
        """Write the answer as JSON."""
        write_sealed(path, asdict(self))

    @staticmethod
    def read(path: Path) -> Neighbour:
        """Read what `write` wrote.

        Raises:
            UserError: the file is missing, damaged, or of another version.
        """
        return parse(Neighbour, read_sealed(path), f"{path}: answer")

    @staticmethod
    def read_of(path: Path, model: str, task: str) -> Neighbour:
        """The same, of an answer that must be that of a checkpoint and task.

        Raises:
            UserError: also where it is another's.
        """
        answer = Neighbour.read(path)
        check_whose(path, (answer.model, answer.task), (model, task))
        return answer
