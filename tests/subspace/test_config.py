from __future__ import annotations

import pytest

from pipeline.subspace.config import ProjectionConfig, SubspaceConfig


def test_every_normalisation_says_how_the_best_rate_moves_with_d():
    slopes = {name: SubspaceConfig(normalisation=name).rate_slope() for name in ("entry", "column")}
    assert slopes["column"] < slopes["entry"] < 0
    reference = SubspaceConfig(projection="reference", normalisation="reference")
    assert reference.rate_slope() == slopes["column"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"projection": "dense", "gaussian": "rademacher"}, "gaussian"),
        ({"projection": "sparse", "share_signs": False}, "share_signs"),
        ({"projection": "reference"}, "normalisation"),
    ],
)
def test_choices_that_a_projection_does_not_have_are_refused(changes, word):
    with pytest.raises(ValueError, match=word):
        ProjectionConfig(**changes)
