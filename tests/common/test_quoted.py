from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from pipeline.common.quoted import quoted


class Bad:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


def test_torchs_advice_to_trust_a_file_is_left_out(tmp_path: Path) -> None:
    torch.save(Bad(), tmp_path / "bad.pt")
    with pytest.raises(Exception) as caught:
        torch.load(tmp_path / "bad.pt", weights_only=True)
    assert "weights_only" in str(caught.value)
    said = quoted(caught.value)
    assert "weights_only" not in said and "trust" not in said and "safe_globals" not in said
    assert said.startswith("Weights only load failed")


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("Cannot load x.\n Please pass trust_remote_code=True to allow it.", "Cannot load x"),
        ("use sys.set_int_max_str_digits() to increase the limit", "ValueError"),
        ("no such file:  a\n b.", "no such file: a b"),
        ("", "ValueError"),
    ],
)
def test_a_message_is_one_line_without_advice(message: str, said: str) -> None:
    assert quoted(ValueError(message)) == said
