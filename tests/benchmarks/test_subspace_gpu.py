from __future__ import annotations

import sys

import pytest
import torch

from benchmarks import subspace_gpu


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["subspace_gpu", *arguments])
    return subspace_gpu.main()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU to measure")
def test_without_a_gpu_it_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch) == 2
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 and "--smoke" in printed.err and not printed.out


def test_every_row_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "--smoke", "--repeats", "1") == 0
    printed = capsys.readouterr().out
    for d in subspace_gpu.SMOKE.dims:
        assert f"| {d:,} |" in printed
    for name in ("full AdamW", "SAID, d = 100"):
        assert f"| {name} |" in printed
