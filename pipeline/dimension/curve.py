"""What the trainings of a cell say of every d: the expected best metric, and where d₉₀ lies."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipeline.dimension.belief import TAILS, knowledge
from pipeline.dimension.curve_point import CurvePoint
from pipeline.dimension.noise import Noise
from pipeline.dimension.question import Question
from pipeline.dimension.record import Record


def curve_points(
    question: Question, records: Iterable[Record], noise: Noise
) -> tuple[CurvePoint, ...]:
    """A point for each d of the grid, from the posterior that the reported d₉₀ is taken from."""
    posterior = knowledge(question, records, noise)
    d = np.array(question.grid)
    bands = posterior.metric_at(d, (TAILS[0], 0.5, TAILS[1])).round(5)
    known = np.cumsum(posterior.marginal)
    enough = np.interp(np.log10(d), posterior.theta, known, left=0.0, right=1.0).round(4)
    columns = (d, *bands, enough)
    return tuple(
        CurvePoint(int(one), *(float(value) for value in others))
        for one, *others in zip(*columns, strict=True)
    )
