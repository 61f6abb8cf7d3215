"""What a cell's subspaces have to reach, and whether that can mean anything (method §2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipeline.common.status import Status

TargetKind = Literal["fraction", "chance_corrected"]

# Metrics are ratios k/n of counts and the target is a fraction of such a ratio, so what equals the
# target in exact arithmetic may miss it by a rounding. For fractions with two decimals and up to a
# million examples, unequal values are at least 1e-8 apart: the tolerance never joins two of them.
_TOLERANCE = 1e-9


def target_metric(full: float, chance: float, fraction: float, kind: TargetKind) -> float:
    """What subspace training has to reach.

    ``fraction``: fraction · full (A21; full 0.85 gives 0.765). ``chance_corrected``:
    chance + fraction · (full − chance).
    """
    if kind == "chance_corrected":
        return chance + fraction * (full - chance)
    return fraction * full


def reaches(metric: float, target: float) -> bool:
    """Whether a metric is at least the target, rounding aside; NaN reaches nothing."""
    return metric >= target - _TOLERANCE


@dataclass(frozen=True)
class Demand:
    """What d₉₀ asks of a cell; full fine-tuning and the search judge by the same one.

    Attributes:
        fraction: the share of the full metric that is to be reached, and ``kind`` from where it is
            counted.
        margin: by how many standard errors full fine-tuning must beat chance.
    """

    fraction: float = 0.9
    kind: TargetKind = "fraction"
    margin: float = 0.0

    def target(self, full: float, chance: float) -> float:
        """What subspace training has to reach; see `target_metric`."""
        return target_metric(full, chance, self.fraction, self.kind)

    def refused(self, full: float, chance: float, error: float) -> tuple[Status, str] | None:
        """Why a cell has no d₉₀, from its full metric alone; see `precheck`."""
        return precheck(full, chance, self.target(full, chance), self.margin, error)


def precheck(
    full: float, chance: float, target: float, margin: float = 0.0, chance_error: float = 0.0
) -> tuple[Status, str] | None:
    """The status and reason of a cell that needs no search because d₉₀ would mean nothing.

    ``margin`` asks full fine-tuning to beat chance by that many standard errors (``chance_error``)
    of the metric; 0 is A21's literal rule.
    """
    if reaches(chance + margin * chance_error, full):
        beyond = f" plus {margin:g} standard errors of {chance_error:.4f}" if margin else ""
        return (
            Status.BASELINE_AT_CHANCE,
            f"full fine-tuning reaches {full:.4f}, no more than what chance gives, "
            f"{chance:.4f}{beyond}",
        )
    if reaches(chance, target):
        return (
            Status.TARGET_BELOW_CHANCE,
            f"the target {target:.4f} is no more than what chance gives, {chance:.4f}",
        )
    return None
