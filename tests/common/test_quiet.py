"""A log is a text: no library may draw bars into it."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import RobertaConfig, RobertaForMaskedLM
from transformers.utils import logging

from pipeline.pretraining.checkpoints import save_model

SIZE = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "vocab_size": 9}


def test_saving_a_model_draws_no_bar(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    logging.enable_progress_bar()
    model = RobertaForMaskedLM(RobertaConfig(**SIZE, intermediate_size=8))
    save_model(model, 0, None, tmp_path / "model")
    assert capfd.readouterr() == ("", "")
