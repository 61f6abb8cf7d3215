"""What a study has beyond d₉₀, read for all tables: every kind of it is one entry here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.artifacts import Json
from pipeline.report.cell import MeasuredCell
from pipeline.report.certificates import (
    CERTIFICATES,
    Certificates,
    bound_of,
    certificate_rows,
    read_certificates,
)
from pipeline.report.columns import Columns
from pipeline.report.costs import Measured
from pipeline.report.representation import (
    REPRESENTATION,
    Representations,
    dimension_of,
    read_representations,
    state_rows,
)
from pipeline.report.taskspaces import (
    OUTLIER_COLUMNS,
    OWN,
    TASKSPACES,
    TaskSpaces,
    arm_rows,
    outlier_rows,
    own_rows,
    read_task_spaces,
)
from pipeline.report.transfer import TRANSFER, Transfers, read_transfers, transfer_rows

# Its tables by name.
BEYOND: dict[str, Columns] = {
    "certificates": CERTIFICATES,
    "taskspaces": TASKSPACES,
    "own": OWN,
    "outliers": OUTLIER_COLUMNS,
    "transfer": TRANSFER,
    "representation": REPRESENTATION,
}


@dataclass(frozen=True)
class Cells:
    """Which cells have what.

    Attributes:
        certified: a certificate.
        spaces: a task-specific subspace.
        represented: the dimension of their hidden states.
        transferred: trainings in the directions of several tasks.
    """

    certified: Sequence[MeasuredCell] = ()
    spaces: Sequence[MeasuredCell] = ()
    represented: Sequence[MeasuredCell] = ()
    transferred: Sequence[MeasuredCell] = ()


@dataclass(frozen=True)
class Beyond:
    """The results of these cells, checked, in the folder that they were read from."""

    results: Path
    cells: Cells
    certificates: Certificates
    spaces: TaskSpaces
    representations: Representations
    transfers: Transfers

    @staticmethod
    def read(results: Path, cells: Cells) -> Beyond:
        """Read the results of these cells.

        Raises:
            UserError: one is missing, damaged or another cell's; says which stage makes it.
        """
        return Beyond(
            results,
            cells,
            read_certificates(results, cells.certified),
            read_task_spaces(results, cells.spaces),
            read_representations(results, cells.represented),
            read_transfers(results, cells.transferred),
        )

    def of(self, cell: MeasuredCell) -> Mapping[str, float | None]:
        """What stands beside a cell's d₉₀ (`pipeline.report.columns.BESIDE`)."""
        return {
            "bound": bound_of(self.certificates, cell),
            "representation": dimension_of(self.representations, cell),
        }

    def rows(self) -> dict[str, list[Json]]:
        """The rows of each of the tables `BEYOND`."""
        cells, spaces = self.cells, self.spaces
        return {
            "certificates": certificate_rows(cells.certified, self.certificates),
            "taskspaces": arm_rows(cells.spaces, spaces),
            "own": own_rows(cells.spaces, spaces),
            "outliers": list(outlier_rows(self.results, cells.spaces, spaces)),
            "transfer": transfer_rows(cells.transferred, self.transfers),
            "representation": state_rows(cells.represented, self.representations),
        }

    def measured(self) -> dict[str, Iterable[Measured]]:
        """The results by stage, each of which knows what it cost."""
        return {
            "bound": self.certificates.values(),
            "its": self.spaces.values(),
            "representation": self.representations.values(),
            "transfer": self.transfers.values(),
        }
