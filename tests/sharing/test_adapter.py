# ruff: noqa: E402 — what is imported needs PEFT
"""Task vectors as PEFT's adapters: its own ways of loading give the project's bits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

peft = pytest.importorskip("peft", reason="the extra peft is not installed")

from pipeline.__main__ import main
from pipeline.common.artifacts import sha256
from pipeline.common.manifest import MODEL_MANIFEST
from pipeline.common.sealed import read_sealed
from pipeline.errors import UserError
from pipeline.models.opening import hold_in_bfloat16, open_for_task
from pipeline.sharing.adapter import write_adapter
from pipeline.sharing.apply import apply_task
from pipeline.sharing.said_tuner import SaidConfig
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.quantise import quantise
from pipeline.subspace.reparameterisation import Subspace
from pipeline.subspace.task_vector import Classifier, save_task_vector
from pipeline.training.parameters import FlatParameters

CLASSIFIER = Classifier(5, ("negative", "positive"))


def start(world: Path) -> torch.nn.Module:
    return open_for_task(
        world / "model", outputs=2, problem=CLASSIFIER.problem, dropout=None, seed=CLASSIFIER.seed,
        device=torch.device("cpu"),
    )  # fmt: skip


def write_task(world: Path, path: Path, config: SubspaceConfig, codes: bool = False) -> Path:
    """A task vector of random numbers."""
    subspace = Subspace(FlatParameters(start(world)), config, 40, 7)
    away = 0.1 * torch.randn(len(subspace.vector), generator=torch.Generator().manual_seed(1))
    save_task_vector(
        path, quantise(away, 5) if codes else subspace.vector + away, subspace=subspace,
        checkpoint=sha256(world / "model" / MODEL_MANIFEST), task="demo", classifier=CLASSIFIER,
    )  # fmt: skip
    return path


def opened(folder: Path) -> torch.nn.Module:
    """As anybody opens a checkpoint for two labels: with a head of its own chance."""
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(folder, num_labels=2)


def bits(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: item.detach().view(torch.int32) for name, item in model.named_parameters()}


CONFIGS = {
    "said": (SubspaceConfig(), False),
    "did": (SubspaceConfig(method="did"), False),
    "column": (SubspaceConfig(normalisation="column", projection="dense"), False),
    "head outside": (SubspaceConfig(head="outside"), False),
    "quantised": (SubspaceConfig(), True),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_peft_merges_to_the_bits_of_the_project(world: Path, tmp_path: Path, name: str) -> None:
    config, codes = CONFIGS[name]
    task = write_task(world, tmp_path / "task.safetensors", config, codes)
    apply_task(world / "model", task, tmp_path / "applied")
    write_adapter(world / "model", task, tmp_path / "adapter")
    model = peft.PeftModel.from_pretrained(opened(world / "model"), tmp_path / "adapter")
    ids = torch.tensor([[0, 9, 8, 7, 2]])
    applied = opened(tmp_path / "applied").eval()
    with torch.no_grad():
        assert torch.equal(model.eval()(input_ids=ids).logits, applied(input_ids=ids).logits)
        with model.disable_adapter():
            assert not torch.equal(model(input_ids=ids).logits, applied(input_ids=ids).logits)
    merged, wanted = bits(model.merge_and_unload()), bits(applied)
    assert merged.keys() == wanted.keys()
    assert all(torch.equal(merged[key], wanted[key]) for key in wanted)


def test_what_it_keeps_is_d_numbers_and_the_head_that_training_began_with(
    world: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file

    task = write_task(world, tmp_path / "task.safetensors", SubspaceConfig())
    arguments = ["adapter", str(world / "model"), str(task), str(tmp_path / "a"), "--base", "me/s0"]
    monkeypatch.setattr("sys.argv", ["pipeline", *arguments])
    assert main() == 0 and "40 numbers" in capsys.readouterr().out
    kept = load_file(tmp_path / "a/adapter_model.safetensors")
    head = sum(item.numel() for key, item in start(world).named_parameters() if "classif" in key)
    assert sorted(item.numel() for item in kept.values()) == [40, head]
    said = json.loads((tmp_path / "a/adapter_config.json").read_text())
    assert said["peft_type"] == "SAID" and said["d"] == 40
    assert said["base_model_name_or_path"] == "me/s0"
    assert set(read_sealed(tmp_path / "a/adapter.json")["sha256"]) >= {
        "adapter_model.safetensors", "adapter_config.json"
    }  # fmt: skip


def test_it_trains_through_peft_as_the_project_trains(world: Path) -> None:
    """One step of plain SGD on the d numbers: PEFT's forward and backward against the project's."""
    torch.manual_seed(0)
    ids, labels = torch.randint(5, 400, (4, 8)), torch.tensor([0, 1, 1, 0])
    own = start(world).eval()
    subspace = Subspace(FlatParameters(own), SubspaceConfig(), 40, 7)
    own(input_ids=ids, labels=labels).loss.backward()
    subspace.pull_back()
    config = SaidConfig(task_type="SEQ_CLS", d=40, seed=7)
    model = peft.get_peft_model(start(world), config).eval()
    trained = {name: item for name, item in model.named_parameters() if item.requires_grad}
    assert [len(item) for item in trained.values()] == [40]
    model(input_ids=ids, labels=labels).loss.backward()
    (theta,) = trained.values()
    torch.testing.assert_close(theta.grad, subspace.vector.grad)
    assert theta.grad.abs().max() > 0


def test_another_model_and_a_second_adapter_are_refused(world: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    task = write_task(world, tmp_path / "task.safetensors", SubspaceConfig())
    write_adapter(world / "model", task, tmp_path / "adapter")
    other = AutoModelForSequenceClassification.from_pretrained(world / "model", num_labels=3)
    with pytest.raises((UserError, RuntimeError)):
        peft.PeftModel.from_pretrained(other, tmp_path / "adapter").merge_and_unload()
    with pytest.raises(UserError, match="exists"):
        write_adapter(world / "model", task, tmp_path / "adapter")
    model = peft.get_peft_model(start(world), SaidConfig(task_type="SEQ_CLS", d=40))
    with pytest.raises(UserError, match="one at a time"):
        model.add_adapter("second", SaidConfig(task_type="SEQ_CLS", d=40))


def test_an_adapter_of_weights_in_bfloat16_is_for_those_alone(world: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification

    narrow = start(world)
    hold_in_bfloat16(narrow)
    subspace = Subspace(FlatParameters(narrow), SubspaceConfig(), 40, 7)
    task = tmp_path / "task.safetensors"
    save_task_vector(
        task, subspace.vector + 0.1, subspace=subspace, task="demo", classifier=CLASSIFIER,
        checkpoint=sha256(world / "model" / MODEL_MANIFEST),
    )  # fmt: skip
    apply_task(world / "model", task, tmp_path / "applied")
    write_adapter(world / "model", task, tmp_path / "adapter")
    with pytest.raises(UserError, match=r"model's are in float32: .* dtype=torch.bfloat16"):
        peft.PeftModel.from_pretrained(opened(world / "model"), tmp_path / "adapter")
    own = AutoModelForSequenceClassification.from_pretrained(
        world / "model", num_labels=2, dtype=torch.bfloat16
    )
    merged = peft.PeftModel.from_pretrained(own, tmp_path / "adapter").merge_and_unload()
    wanted = dict(opened(tmp_path / "applied").named_parameters())
    for name, item in merged.named_parameters():
        assert item.dtype == torch.bfloat16 and torch.equal(item, wanted[name]), name
