from __future__ import annotations

import pytest
import torch

from pipeline.training import stack as module
from pipeline.training.stack import stack

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def fresh() -> None:
    module._versions.cache_clear()
    yield
    module._versions.cache_clear()


@pytest.mark.parametrize("library", ["torch", "numpy", "transformers"])
def test_another_version_is_another_stack(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    before, version = stack(CPU), module.version
    assert stack(CPU) == before
    monkeypatch.setattr(module, "version", lambda name: "0" if name == library else version(name))
    module._versions.cache_clear()
    assert stack(CPU) != before


def test_threads_count_on_a_cpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stacks = []
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "GPU of a kind")
    for threads in (1, 2):
        monkeypatch.setattr(torch, "get_num_threads", lambda found=threads: found)
        stacks.append((stack(CPU), stack(torch.device("cuda", threads))))
    (cpu, gpu), (other_cpu, other_gpu) = stacks
    assert cpu != other_cpu
    # Nor does it matter which of several GPUs of a kind it is.
    assert gpu == other_gpu and gpu["device"] == "GPU of a kind" != cpu["device"]
