"""A cell's answer, from which the search of the next checkpoint starts.

It is a file of its own beside ``result.json``, so that the next search depends on the answer alone:
where its bytes stay as they were, nothing becomes stale.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.common.artifacts import read_json, write_json
from pipeline.common.config import parse
from pipeline.common.status import Status
from pipeline.dimension.question import Near


@dataclass(frozen=True)
class Neighbour:
    """What a neighbouring checkpoint's search found; ``learning_rate`` is that at d₉₀."""

    model: str
    status: Status
    d90: int | None
    learning_rate: float | None

    def near(self) -> Near | None:
        """What a search can start from; None where there is neither a d₉₀ nor a bound."""
        if self.status not in (Status.OK, Status.BELOW_GRID, Status.NOT_REACHED):
            return None
        return Near(self.d90, self.learning_rate)

    def write(self, path: Path) -> None:
        """Write the answer as JSON."""
        write_json(path, asdict(self))

    @staticmethod
    def read(path: Path) -> Neighbour:
        """Read what `write` wrote.

        Raises:
            UserError: the file is missing, damaged, or of another version.
        """
        return parse(Neighbour, read_json(path), f"{path}: answer")
