"""Which stages open a cell for subspace trainings alone, whose weights may be narrow."""

from __future__ import annotations

from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from pipeline.finetuning.cell import Cell
from pipeline.study.reading import load_params
from stages import entry

BEYOND = load_params(Path(__file__).parents[2] / "presets/beyond.yaml")


class Opened(Exception):
    """A stage has opened its cell; what it asked for is in the message."""


@pytest.mark.parametrize(
    ("stage", "alone"),
    [("search", True), ("bound", True), ("baseline", False), ("its", False),
     ("representation", False)],
)  # fmt: skip
def test_what_trains_all_weights_is_opened_with_wide_ones(
    monkeypatch: pytest.MonkeyPatch, stage: str, alone: bool
) -> None:
    def opened(**named: Any) -> Cell:
        raise Opened(named.get("subspace", False))

    monkeypatch.setattr(Cell, "open", staticmethod(opened))
    monkeypatch.setattr(entry, "key", lambda: "s280-duplicate")
    monkeypatch.setattr(entry, "params", lambda: BEYOND)
    monkeypatch.setattr(entry, "measured", lambda *_: nullcontext())
    with pytest.raises(Opened, match=str(alone)):
        import_module(f"stages.{stage}").main()
