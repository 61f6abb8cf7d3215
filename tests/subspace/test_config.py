from __future__ import annotations

import pytest

from pipeline.subspace.config import ProjectionConfig


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
