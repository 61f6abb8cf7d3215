"""The examples and the README's Python, at tiny sizes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from torch import nn

README = Path(__file__).parents[1] / "README.md"


def test_plain_loop() -> None:
    from examples import plain_loop

    assert plain_loop.main(steps=40) > 0.7


def test_decoder() -> None:
    from examples import decoder

    first, last = decoder.main(steps=25, d=200)
    assert last < 0.8 * first


def test_trainer() -> None:
    pytest.importorskip("accelerate", reason="transformers.Trainer needs accelerate")
    from examples import trainer

    assert trainer.main(steps=30) > 0.7


def test_examples_are_short() -> None:
    for path in (README.parent / "examples").glob("*.py"):
        assert len(path.read_text().splitlines()) < 60, path


def snippets() -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", README.read_text(), re.MULTILINE | re.DOTALL)


class Squared(nn.Module):
    """A module that answers as Hugging Face's do."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 32))

    def forward(self, rows: torch.Tensor, labels: torch.Tensor | None = None) -> dict:
        outputs = self.layers(rows)
        return {"loss": outputs.square().mean(), "outputs": outputs}


def test_the_plain_loop_of_the_readme() -> None:
    torch.manual_seed(0)
    model = Squared()
    batches = [{"rows": torch.ones(2, 8)}] * 20
    before = model(**batches[0])["loss"].item()
    exec(snippets()[0], {"model": model, "batches": batches})
    assert model(**batches[0])["loss"].item() < 0.5 * before


def test_the_trainer_of_the_readme(tmp_path: Path) -> None:
    pytest.importorskip("accelerate", reason="transformers.Trainer needs accelerate")
    from transformers import TrainingArguments

    torch.manual_seed(0)
    model, row = Squared(), {"rows": torch.ones(8), "labels": torch.tensor(0)}
    before = model(torch.ones(1, 8))["loss"].item()
    arguments = TrainingArguments(
        str(tmp_path), max_steps=20, use_cpu=True, save_strategy="no", report_to=[],
        disable_tqdm=True, remove_unused_columns=False,
    )  # fmt: skip
    names = {"model": model, "arguments": arguments, "rows": [row] * 8}
    exec(snippets()[1], names)
    assert model(torch.ones(1, 8))["loss"].item() < 0.5 * before
