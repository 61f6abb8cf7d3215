"""What the search for a cell's d₉₀ came to: ``result.json`` of its stage."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.common.config import parse
from pipeline.common.sealed import check_whose, read_sealed, write_sealed
from pipeline.common.status import SearchEnd, Status
from pipeline.finetuning.result import Cost


@dataclass(frozen=True)
class FractionResult:
    """The smallest d of another fraction, or the bracket that the probes leave and why."""

    d: int | None
    lower: int | None
    upper: int | None
    reason: str


@dataclass(frozen=True)
class SearchResult:
    """A search for d₉₀: what was asked, the verdict, how well it is known, and what it cost.

    Attributes:
        model: the measured model's name, and ``step`` the update that it is of (0 without one).
        task: the task's name.
        metric: the name of the task's metric.
        chance: see `FullResult`; ``full_metric`` too.
        method: ``said`` or ``did``, with ``projection`` and ``normalisation`` (docs/method.md).
        fraction: the share of the full metric that is the target, ``target_kind`` from where it is
            counted.
        protocol: the strategy of the search; ``deviations`` say where its probes are not those
            that d₉₀ is defined by.
        target: the metric to reach; None where full fine-tuning diverged.
        d_min: the smallest d of the grid, ``d_max`` the largest.
        layers: m, the scales among the d numbers.
        status: where d₉₀ lies or why there is none, and ``reason`` in words.
        d90: the estimate (method §2): the posterior median, rounded; None where it lies beyond the
            grid (``status`` says at which end) or there is none.
        d90_low: the 95 % interval, up to ``d90_high``; None is an end beyond the grid.
        d90_above: of a cell that is ``not_reached``, whether the estimate lies above the grid;
            False where no training reached and only ``d90_low`` is claimed.
        d90_paper: the paper's number: the smallest d that reached while ``lower``, the next smaller
            of the grid, missed, both trained. ``lower`` is None where the smallest d of the grid
            reached, and ``d_max`` where that missed.
        ended: why the search ended; None where there was none.
        monotone: False where the evidence contradicts that more dimensions do no worse.
        target_error: the standard error of the target, from the full runs and the evaluation set.
        violations: pairs (d, d′), d < d′, where d reached and d′ missed.
        fractions: by fraction, as text.
        probes: how many trainings the result rests on.
        cost: of these trainings.
        inputs: hashes of the checkpoint and of the task.
        task_d: the d of the training whose d numbers are in ``task.safetensors``: the best one at
            ``d90_paper``, or at the smallest d that reached where there is none. Of that training
            are ``seed``, ``learning_rate``, ``rate`` (that as a multiple of the unit of
            docs/normalisation.md), ``best_epoch``, ``eval_metric`` and ``train_metric``.
        threads: that the last of it was computed on; None on a GPU.
        trials_sha256: the hash of the file of these trainings; None before it is written.
    """

    model: str
    task: str
    step: int
    metric: str
    chance: float
    full_metric: float | None
    method: str
    projection: str
    normalisation: str
    fraction: float
    target_kind: str
    protocol: str
    deviations: tuple[str, ...]
    target: float | None
    d_min: int
    d_max: int
    layers: int
    status: Status
    reason: str
    probes: int
    cost: Cost
    inputs: dict[str, str]
    d90: int | None = None
    d90_low: int | None = None
    d90_high: int | None = None
    d90_above: bool = False
    d90_paper: int | None = None
    lower: int | None = None
    ended: SearchEnd | None = None
    monotone: bool = True
    target_error: float | None = None
    violations: tuple[tuple[int, int], ...] = ()
    fractions: dict[str, FractionResult] = field(default_factory=dict)
    task_d: int | None = None
    seed: int | None = None
    learning_rate: float | None = None
    rate: float | None = None
    best_epoch: int | None = None
    eval_metric: float | None = None
    train_metric: float | None = None
    threads: int | None = None
    trials_sha256: str | None = None

    def write(self, path: Path) -> None:
        """Write the result as JSON."""
        write_sealed(path, asdict(self))

    def sentence(self) -> str:
        """What came out, for a log: ``ok: d90 53 (95 %: below 8 to 1,189)``."""
        if self.status not in (Status.OK, Status.NOT_REACHED, Status.BELOW_GRID):
            return f"{self.status}: {self.reason}"
        below, above = f"below {self.d_min:,}", f"above {self.d_max:,}"
        low = below if self.d90_low is None else f"{self.d90_low:,}"
        high = above if self.d90_high is None else f"{self.d90_high:,}"
        if self.d90 is not None:
            found = f"d90 {self.d90:,}"
        elif self.status == Status.BELOW_GRID:
            found = f"d90 {below}"
        else:
            found = f"d90 {above}" if self.d90_above else "no estimate of d90"
        end = f"; {self.reason}" if self.reason else ""
        return f"{self.status}: {found} (95 %: {low} to {high}){end}"

    @staticmethod
    def read(path: Path) -> SearchResult:
        """Read what `write` wrote.

        Raises:
            UserError: the file is missing, damaged, or of another version.
        """
        return parse(SearchResult, read_sealed(path), f"{path}: result")

    @staticmethod
    def read_of(path: Path, model: str, task: str) -> SearchResult:
        """The same, of a result that must be that of a model and task.

        Raises:
            UserError: also where it is another cell's.
        """
        result = SearchResult.read(path)
        check_whose(path, (result.model, result.task), (model, task))
        return result
