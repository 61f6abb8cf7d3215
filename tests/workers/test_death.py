from __future__ import annotations

import os

import pytest

from pipeline.workers.death import Peak, ending

NEVER = ""


@pytest.mark.parametrize(
    ("stage", "jobs", "lower"),
    [
        ("search@s0-duplicate", 2, "lower --jobs (it is 2) or finetune.batch,"),
        ("../dvc.yaml:pretrain@s8", 1, "lower pretrain.recipe.micro_batch,"),
        ("collect", 1, "lower what it works on,"),
    ],
)
def test_a_killed_stage_says_what_to_lower(stage: str, jobs: int, lower: str) -> None:
    told = ending(stage, -9, NEVER, jobs)
    assert told.startswith(
        "was killed by signal 9 (SIGKILL), as the system does when memory runs out:"
    )
    assert lower in told


def test_the_peak_is_the_most_that_was_held() -> None:
    peak = Peak(os.getpid())
    peak.look()
    held = bytearray(64 << 20)
    del held
    peak.look()
    assert 0.06 < float(str(peak).removesuffix(" GiB")) < 1000
    assert f"(it held up to {peak})" in ending("collect", -9, str(peak), 1)


def test_of_a_process_that_was_never_seen_no_memory_is_told() -> None:
    assert str(Peak(None)) == ""


def test_other_ends_have_their_names() -> None:
    assert ending("collect", 2, NEVER, 1) == "failed"
    assert ending("collect", -11, NEVER, 1) == "was ended by signal 11 (SIGSEGV)"
    assert "forked from" in ending("collect", 255, NEVER, 1)
