"""Searches whose probes train several at a time, in the processes of a real run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.repro.conftest import Study

pytestmark = pytest.mark.repro

AHEAD = re.compile(r"\[search@s0-polarity_short\] probe at d = \d+, .* metric .* after \d+ eval")
HERE = re.compile(r"\[search@s0-polarity_short\]   metric ")


def test_probes_that_train_at_a_time_leave_the_bytes_of_a_run_alone(
    study: Study, tmp_path: Path
) -> None:
    params = study.params()
    params["checkpoints"] = {"s0": 0}
    params["tasks"] = {"polarity_short": params["tasks"]["polarity_short"]}
    params["search"] |= {"protocol": "paper", "rates": [0.2, 0.35], "seeds": 2}
    params["search"] |= {"epochs": 4, "grid": {"minimum": 8, "maximum": 64, "ratio": 8.0}}
    study.write(params)
    other = study.copy(tmp_path / "other")
    command = ("python", "-m", "pipeline", "repro", "--jobs", "1", "search@s0-polarity_short")
    alone, helped = study.command(*command), other.command(*command, PIPELINE_PARALLEL="2")
    assert alone.returncode == helped.returncode == 0, alone.stderr + helped.stderr
    trained = len(HERE.findall(alone.stdout))
    assert trained > 4 and not AHEAD.findall(alone.stdout)
    # Every training was a helper's, none was wasted, and the search itself trained nothing.
    assert len(AHEAD.findall(helped.stdout)) == trained and not HERE.findall(helped.stdout)
    assert (study.folder / "dvc.lock").read_bytes() == (other.folder / "dvc.lock").read_bytes()
    assert study.cached() == other.cached()
