"""``pretrain.backend: fairseq`` through the same DVC stages; fairseq really trains."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.backends.fairseq.environment import VARIABLE
from pipeline.common.manifest import check_model
from tests.backends.environment import make_environment
from tests.repro.conftest import Study

pytestmark = pytest.mark.repro


def test_fairseq_trains_through_the_same_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, str(make_environment()))
    study = Study.create(tmp_path / "study")
    params = study.params()
    params["pretrain"]["backend"] = "fairseq"
    params["checkpoints"] = {"s0": 0, "s4": 4, "s8": 8}
    study.write(params)
    assert study.driver("pretrain@s4") == {
        "settings", "tokenizer@s0", "corpus@s0", "init@s0", "pretrain@s4"
    }  # fmt: skip

    done = study.command(
        "python", "-m", "stages.pretrain", DVC_STAGE="pretrain@s8", **{VARIABLE: "absent"}
    )
    assert done.returncode == 2
    assert done.stderr == (
        "error: fairseq needs an environment of its own, and absent is missing: run make fairseq, "
        f"or name another interpreter in {VARIABLE}\n"
    )

    assert study.repro("pretrain@s8") == {"pretrain@s8"}
    checkpoints = study.folder / "checkpoints"
    weights = [
        load_file(checkpoints / name / "model/model.safetensors") for name in ("s0", "s4", "s8")
    ]
    key = "roberta.encoder.layer.0.output.dense.weight"
    assert not torch.equal(weights[0][key], weights[1][key])
    assert not torch.equal(weights[1][key], weights[2][key])
    assert check_model(checkpoints / "s8/model")["step"] == 8
    log = (checkpoints / "s8/state/training.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in log] == [6, 8, 8]
    assert not list((study.folder / ".scratch/pretrain/s8").iterdir())

    # Cells take the checkpoint as it is, and what concerns the native backend alone reruns nothing.
    cell = "baseline@s8-polarity_short"
    assert study.quick(cell) == {"task@trajectory-polarity_short", cell}
    path = study.folder / "pipeline/backends/native/segment.py"
    path.write_text(path.read_text() + "\n# edited\n")
    planned = study.command("python", "-m", "pipeline", "repro", "--dry", cell)
    assert planned.returncode == 0 and "Would run" not in planned.stdout, planned.stdout
