"""The kernels on a CPU, through Triton's interpreter."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from pipeline.subspace import kernels
from pipeline.subspace.fastfood import Fastfood


@pytest.fixture(scope="session", autouse=True)
def interpreter() -> None:
    pytest.importorskip("triton", reason="the kernels need triton, which torch for CPUs lacks")
    from triton.runtime.interpreter import InterpretedFunction

    from pipeline.subspace.kernels.block import displace

    if not isinstance(displace, InterpretedFunction):
        pytest.skip("the kernels are compiled where there is a GPU; here the interpreter is tested")


@pytest.fixture
def on_kernels(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a kind of kernel serve all blocks on a CPU, with small tiles."""

    def choose(kind: str) -> None:
        from pipeline.subspace.kernels import launch

        monkeypatch.setitem(kernels.LONGEST, "cpu", {kind: 1 << 24})
        monkeypatch.setattr(launch, "_SHORT_TILE", 128)
        monkeypatch.setattr(launch, "_TOTALS", 256)
        monkeypatch.setattr(launch, "_WORK", 256)
        monkeypatch.setattr(launch.PassKernels, "tile", 64)

    return choose


def composed(projection: Fastfood) -> Fastfood:
    """The same projection without kernels."""
    projection._fused[torch.device("cpu")] = None
    return projection
