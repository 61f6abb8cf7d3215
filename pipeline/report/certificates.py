"""Certificates as a table: a row a candidate, the one that a cell is certified by marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.certificates.result import CertificateResult
from pipeline.common.artifacts import Json
from pipeline.report.cell import Family, MeasuredCell, Unit
from pipeline.report.columns import Columns, column_types
from pipeline.report.results import read_each

# The certificates of a study by model and task.
Certificates = Mapping[tuple[str, str], CertificateResult]


@dataclass(frozen=True)
class Certified:
    """A candidate of a cell's certificate; a cell without candidates has a row that says why.

    Attributes:
        model: the measured model's name, and ``label`` its name for readers.
        family: ``trajectory`` or ``zoo``.
        step: the update that the model is of; None in the zoo, and ``unit`` what it counts.
        tokens_seen: how many tokens it was pretrained on, where that is known.
        task: the task's name.
        status: ``ok``, or why the cell has no certificate, and ``reason`` in words.
        best: whether its bound is the cell's smallest, which the choice is paid for.
        d: dimension, and ``levels`` the most levels that its numbers could take.
        seed: of the projection and of the order of the examples.
        learning_rate: of the training that it comes from.
        code: bits of its file, and ``bits`` those with the choice among ``choices`` candidates.
        train_error: share of wrong answers of the decoded model on the rows that count.
        eval_error: the same on the evaluation rows, which the bound does not use.
        bound: the risk is at most this, by kl inversion, but for the probability ``delta``.
        hoeffding: the same in Hoeffding's form.
        complexity: √(d/m), the form of A21's Theorem 1 without its constants.
        rows: m, training rows that count, all different; ``duplicates`` are left out.
        majority_error: of the commonest training answer on those, and ``eval_majority_error`` on
            the evaluation rows.
    """

    model: str
    label: str
    family: Family
    step: int | None
    unit: Unit | None
    tokens_seen: int | None
    task: str
    status: str
    reason: str
    best: bool | None
    d: int | None
    levels: int | None
    seed: int | None
    learning_rate: float | None
    code: int | None
    bits: float | None
    train_error: float | None
    eval_error: float | None
    bound: float | None
    hoeffding: float | None
    complexity: float | None
    rows: int
    duplicates: int
    choices: int
    delta: float
    majority_error: float
    eval_majority_error: float


CERTIFICATES: Columns = column_types(Certified)
_OF_CANDIDATE = ("d", "levels", "seed", "learning_rate", "code", "train_error", "eval_error")
_OF_RESULT = (
    "reason", "rows", "duplicates", "choices", "delta", "majority_error", "eval_majority_error",
)  # fmt: skip
_NONE = dict.fromkeys((*_OF_CANDIDATE, "best", "bits", "bound", "hoeffding", "complexity"))


def read_certificates(results: Path, cells: Sequence[MeasuredCell]) -> Certificates:
    """The certificates of these cells.

    Raises:
        UserError: one is missing, damaged or another cell's; says which stage makes it.
    """
    return read_each(results, "bound", cells, CertificateResult.read_of)


def bound_of(certificates: Certificates, cell: MeasuredCell) -> float | None:
    """The smallest bound of a cell; None where it has no certificate."""
    result = certificates.get((cell.model, cell.task))
    if result is None or result.best is None:
        return None
    return result.certificate(result.candidates[result.best]).bound


def certificate_rows(cells: Sequence[MeasuredCell], certificates: Certificates) -> list[Json]:
    """A row a candidate of each cell, or for a cell without any the one that says why."""
    return [row for cell in cells for row in _rows(cell, certificates[cell.model, cell.task])]


def _rows(cell: MeasuredCell, result: CertificateResult) -> Iterator[Json]:
    own = {
        **cell.named(result.step),
        **{name: getattr(result, name) for name in _OF_RESULT},
        "status": result.status.value,
    }
    if not result.candidates:
        yield {**own, **_NONE}
    for place, candidate in enumerate(result.candidates):
        yield {
            **own,
            "best": place == result.best,
            **{name: getattr(candidate, name) for name in _OF_CANDIDATE},
            **asdict(result.certificate(candidate)),
        }
