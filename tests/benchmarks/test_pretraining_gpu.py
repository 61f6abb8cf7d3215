from __future__ import annotations

import sys
from functools import partial

import pytest
import torch

from benchmarks import pretraining_gpu


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["pretraining_gpu", *arguments])
    return pretraining_gpu.main()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to measure")
def test_without_a_gpu_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 and "--smoke" in printed.err and not printed.out


def test_every_lever_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not torch.cuda.is_available():
        # Inductor spends a minute in g++ for four compiled models; tests/pretraining runs it once.
        eager = partial(torch.compile, backend="aot_eager")
        monkeypatch.setattr("pipeline.pretraining.mlm.torch.compile", eager)
    assert run(monkeypatch, "--smoke", "--repeats", "1") == 0
    printed = capsys.readouterr().out
    for name, levers in pretraining_gpu.LEVERS.items():
        expected = torch.cuda.is_available() or not levers.cuda_graphs
        assert (f"| {name} |" in printed) is expected
    assert printed.count("32 × 64") == 1
