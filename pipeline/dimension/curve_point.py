"""A line of ``curve.jsonl``: what is known of one d of a cell's grid."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from pipeline.common.artifacts import Json


@dataclass(frozen=True)
class CurvePoint:
    """What is known of one d of the grid.

    Attributes:
        d: the dimension.
        metric_low: the lower end of the 95 % band of the expected best metric with the best
            learning rate.
        metric: its median.
        metric_high: the band's upper end.
        enough: the probability that d₉₀ is at most this d.
    """

    d: int
    metric_low: float
    metric: float
    metric_high: float
    enough: float

    def row(self) -> Json:
        """The point as a line of JSON."""
        return asdict(self)
