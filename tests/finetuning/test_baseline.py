from __future__ import annotations

import pytest

from pipeline.finetuning.baseline import BaselineConfig


def test_the_papers_protocol_is_the_default() -> None:
    assert BaselineConfig().protocol == "paper"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"gain": -0.1}, "gain is -0.1, but must be at least 0 and below 1"),
        ({"gain": 1.0}, "gain is 1.0, but must be at least 0 and below 1"),
        ({"runs": 0}, "runs is 0, but must be at least 1"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        BaselineConfig(**wrong)
