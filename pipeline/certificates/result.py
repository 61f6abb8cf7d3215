"""What certifying a cell came to: ``result.json`` of its stage."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from pipeline.certificates.bounds import (
    description_bits,
    hoeffding_bound,
    kl_bound,
    nats_a_row,
)
from pipeline.common.artifacts import sha256
from pipeline.common.config import parse
from pipeline.common.sealed import check_whose, damaged, read_sealed, write_sealed
from pipeline.common.status import Status
from pipeline.finetuning.result import Cost


@dataclass(frozen=True)
class Candidate:
    """A model that was described, decoded and tried.

    Attributes:
        d: dimension, and ``levels`` the most levels that its numbers could take.
        seed: of the projection and of the order of the examples.
        learning_rate: of the training that it comes from.
        code: bits of its file.
        train_error: share of wrong answers of the decoded model on the rows that count.
        eval_error: the same on the evaluation rows.
    """

    d: int
    levels: int
    seed: int
    learning_rate: float
    code: int
    train_error: float
    eval_error: float


@dataclass(frozen=True)
class Certificate:
    """A candidate's bounds on the risk, each of which holds for all candidates at once.

    Attributes:
        bits: K, the description with the choice among candidates paid.
        bound: by kl inversion, and ``hoeffding`` in Hoeffding's form.
        complexity: √(d/m), the form of A21's Theorem 1 without its constants.
    """

    bits: float
    bound: float
    hoeffding: float
    complexity: float


@dataclass(frozen=True)
class CertificateResult:
    """The certificates of a measured model on a task.

    Attributes:
        model: the measured model's name, and ``step`` the update that it is of.
        task: the task's name.
        status: ok, or why the cell has none, and ``reason`` in words.
        delta: the probability that a bound may fail.
        rows: m, training rows that count, all different; ``duplicates`` are left out.
        choices: how many candidates a choice by training rows was paid for.
        majority_error: of the answer that is commonest among the training rows, on those.
        eval_majority_error: of the same answer on the evaluation rows.
        candidates: what was tried.
        best: the place among them of the smallest bound, and ``code_sha256`` the hash of its file;
            None without candidates.
        cost: of all trainings.
        inputs: hashes of the checkpoint and of the task.
    """

    model: str
    task: str
    step: int
    status: Status
    reason: str
    delta: float
    rows: int
    duplicates: int
    choices: int
    majority_error: float
    eval_majority_error: float
    cost: Cost
    inputs: dict[str, str]
    candidates: tuple[Candidate, ...] = ()
    best: int | None = None
    code_sha256: str | None = None

    def certificate(self, candidate: Candidate) -> Certificate:
        """The bounds of one of the candidates."""
        bits = description_bits(candidate.code, self.choices)
        nats = nats_a_row(bits, self.rows, self.delta)
        error = candidate.train_error
        return Certificate(
            bits, kl_bound(error, nats), hoeffding_bound(error, nats),
            (candidate.d / self.rows) ** 0.5,
        )  # fmt: skip

    def smallest(self) -> int | None:
        """The place of the candidate with the smallest bound, of equals the first."""
        bounds = [self.certificate(one).bound for one in self.candidates]
        return bounds.index(min(bounds)) if bounds else None

    def sentence(self) -> str:
        """The best certificate in words."""
        if self.best is None:
            return f"{self.status}, {self.reason}"
        best = self.candidates[self.best]
        return (
            f"risk at most {self.certificate(best).bound:.3f} (d = {best.d}, {best.levels} levels, "
            f"{best.code} bits, training error {best.train_error:.3f} on {self.rows} rows; "
            f"majority {self.majority_error:.3f})"
        )

    def write(self, folder: Path) -> None:
        """Write the result as ``result.json``."""
        write_sealed(folder / "result.json", asdict(self))

    @staticmethod
    def read(folder: Path) -> CertificateResult:
        """Read what `write` wrote, and see that the best candidate's file is what was certified.

        Raises:
            UserError: a file is missing, damaged, or of another version.
        """
        path = folder / "result.json"
        result = parse(CertificateResult, read_sealed(path), f"{path}: result")
        if result.best is not None:
            result._check_code(folder / "code.bin")
        return result

    @staticmethod
    def read_of(folder: Path, model: str, task: str) -> CertificateResult:
        """The same, of a result that must be that of a model and task.

        Raises:
            UserError: also where it is another cell's.
        """
        result = CertificateResult.read(folder)
        check_whose(folder / "result.json", (result.model, result.task), (model, task))
        return result

    def _check_code(self, path: Path) -> None:
        candidate = self.candidates[self.best or 0]
        if not path.is_file() or sha256(path) != self.code_sha256:
            raise damaged(path)
        assert 8 * path.stat().st_size == candidate.code
