from __future__ import annotations

import platform
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from pipeline.errors import UserError
from pipeline.training import device


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    assert device.pick() == torch.device("cpu")


@pytest.mark.parametrize("wrong", ["gpu", "cuda:x"])
def test_an_unknown_device_is_named(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("PIPELINE_DEVICE", wrong)
    with pytest.raises(UserError, match=f"PIPELINE_DEVICE is {wrong!r}: say cpu, cuda"):
        device.pick()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_without_cuda_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_DEVICE", "cuda")
    with pytest.raises(UserError, match="torch sees no CUDA device"):
        device.pick()


def test_stages_at_the_same_time_take_different_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIPELINE_DEVICE", raising=False)
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    found = []
    for slot in ("0", "1", "2"):
        monkeypatch.setenv("PIPELINE_SLOT", slot)
        found.append(device.pick())
    assert found == [torch.device("cuda", index) for index in (0, 1, 0)]
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert device.pick() == torch.device("cuda", 1)


@pytest.fixture
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = torch.get_num_threads()
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("two_threads")
def test_narrow_models_run_on_one_thread() -> None:
    device.prepare(width=768)
    assert torch.get_num_threads() == 2
    for width in (256, 64):
        torch.set_num_threads(2)
        device.prepare(width=width)
        assert torch.get_num_threads() == 1 == device.threads(torch.device("cpu"))


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(
    ("busy", "said", "chosen"), [(0, None, 2), (40, None, 1), (100, None, 1), (100, "2", 2)]
)
def test_a_wide_model_takes_the_cores_that_nobody_uses(
    monkeypatch: pytest.MonkeyPatch, busy: float, said: str | None, chosen: int
) -> None:
    monkeypatch.setattr(psutil, "cpu_percent", lambda seconds: busy)
    monkeypatch.delenv("OMP_NUM_THREADS")
    if said:
        monkeypatch.setenv("OMP_NUM_THREADS", said)
    device.prepare(width=768)
    assert torch.get_num_threads() == chosen


def test_a_gpus_results_do_not_depend_on_threads() -> None:
    assert device.threads(torch.device("cuda")) is None


@pytest.mark.parametrize(
    ("listed", "found"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC 9654 \nflags\t\t: fpu\n", "AMD EPYC 9654"),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", "aarch64"),
        (None, "aarch64"),
    ],
)
def test_a_cpu_is_known_by_its_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: str | None, found: str
) -> None:
    monkeypatch.setattr(platform, "processor", lambda: "")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    if listed:
        (tmp_path / "cpuinfo").write_text(listed)
    assert device.processor(tmp_path / "cpuinfo") == found


def test_what_a_cell_is_computed_on_names_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPELINE_DEVICE", "cpu")
    assert device.facts()["device"] == device.processor()
