"""A task's file as a model folder: the same bits as the search had in memory, or one sentence."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from pipeline.__main__ import main
from pipeline.common.artifacts import sha256
from pipeline.common.manifest import MODEL_MANIFEST
from pipeline.dimension.record import Ending, Probe
from pipeline.errors import UserError
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.evaluation import predict
from pipeline.models.opening import open_for_task
from pipeline.probes.probe import ProbeRunner, ProbeTraining
from pipeline.sharing.apply import apply_task
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.quantise import quantise
from pipeline.subspace.reparameterisation import Subspace
from pipeline.subspace.task_vector import Classifier, load_task_vector, save_task_vector
from pipeline.training.parameters import FlatParameters
from tests.worlds import FINETUNE, open_cell

LABELS = ["negative", "positive"]
ROOT = Path(__file__).parents[2]


@dataclass
class Found:
    """A probe of a search: its file, its model in memory, and what that predicts."""

    cell: Cell
    file: Path
    weights: torch.Tensor
    predictions: list[int]


@pytest.fixture(scope="module")
def found(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Found:
    cell = open_cell(world, "polarity_short")
    scratch = tmp_path_factory.mktemp("search")
    runner = ProbeRunner(cell, SubspaceConfig(), FINETUNE, ProbeTraining(epochs=2), scratch)
    record = runner.run(Probe(64, 0, 1e-2), lambda curve: Ending.REACHED)
    predictions = predict(cell.network, cell.data.eval, FINETUNE.batch).tolist()
    return Found(cell, runner.vector_path(record), cell.flat.values.clone(), predictions)


def opened(folder: Path) -> torch.nn.Module:
    from transformers import AutoModelForSequenceClassification

    return AutoModelForSequenceClassification.from_pretrained(folder)


def bits(model: torch.nn.Module) -> torch.Tensor:
    """The weights as bit patterns, in the order of the flat buffer."""
    return torch.cat([item.detach().view(-1) for item in model.parameters()]).view(torch.int32)


def test_the_folder_is_the_model_that_the_search_had(
    world: Path, found: Found, tmp_path: Path
) -> None:
    apply_task(world / "model", found.file, tmp_path / "out")
    model = opened(tmp_path / "out")
    assert torch.equal(bits(model), found.weights.view(torch.int32))
    assert not torch.equal(found.weights, found.cell.origin)
    split = found.cell.data.eval
    assert predict(model, split, FINETUNE.batch).tolist() == found.predictions


def test_another_process_writes_the_same_bytes(world: Path, found: Found, tmp_path: Path) -> None:
    shutil.copyfile(found.file, tmp_path / "sent.safetensors")
    apply_task(world / "model", found.file, tmp_path / "here")
    places = (world / "model", tmp_path / "sent.safetensors", tmp_path / "there")
    command = [sys.executable, "-m", "pipeline", "apply", *map(str, places)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "d = 64 numbers" in done.stdout
    hashes = [
        {path.name: sha256(path) for path in (tmp_path / name).iterdir()}
        for name in ("here", "there")
    ]
    assert hashes[0] == hashes[1]


def test_the_folder_is_complete(world: Path, found: Found, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    apply_task(world / "model", found.file, tmp_path / "out")
    model, tokenizer = opened(tmp_path / "out"), AutoTokenizer.from_pretrained(tmp_path / "out")
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.config.label2id == {"negative": 0, "positive": 1}
    assert model.config.problem_type == "single_label_classification"
    assert model.config.hidden_dropout_prob == opened(world / "model").config.hidden_dropout_prob
    assert model(**tokenizer("it was good", return_tensors="pt")).logits.shape == (1, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.fixture
def subspace(found: Found) -> Subspace:
    found.cell.reset()
    return Subspace(found.cell.flat, SubspaceConfig(), 1000, 3)


def save(path: Path, found: Found, subspace: Subspace, vector: object = None, **changes) -> Path:
    head = changes.get("head", Classifier(found.cell.seed, tuple(LABELS)))
    checkpoint = changes.get("checkpoint", found.cell.inputs["checkpoint"])
    vector = subspace.vector if vector is None else vector
    save_task_vector(
        path,
        vector,
        subspace=subspace,
        checkpoint=checkpoint,
        task="polarity_short",
        classifier=head,
    )
    return path


def test_a_quantised_task_is_applied(
    world: Path, found: Found, subspace: Subspace, tmp_path: Path
) -> None:
    start = subspace.vector.clone()
    move = 0.01 * torch.randn(1000, generator=torch.Generator().manual_seed(0))
    coarse = quantise(move, 16)
    file = save(tmp_path / "task", found, subspace, coarse)
    assert file.stat().st_size < 2500
    subspace.vector.copy_(start + coarse.values())
    subspace.materialize()
    apply_task(world / "model", file, tmp_path / "out")
    assert torch.equal(bits(opened(tmp_path / "out")), found.cell.flat.values.view(torch.int32))


def test_a_thousand_numbers_with_their_head_are_small(
    found: Found, subspace: Subspace, tmp_path: Path
) -> None:
    assert save(tmp_path / "task", found, subspace).stat().st_size < 6000


def refused(world: Path, file: Path, folder: Path, sentence: str, model: str = "model") -> None:
    """One sentence, and nothing written."""
    out = folder / "out"
    with pytest.raises(UserError, match=sentence) as caught:
        apply_task(world / model, file, out)
    assert "\n" not in str(caught.value)
    assert not out.exists() and not list(folder.glob(".*"))


def test_what_does_not_fit_is_refused(
    world: Path, found: Found, subspace: Subspace, tmp_path: Path
) -> None:
    file = save(tmp_path / "a", found, subspace, checkpoint="f" * 64)
    refused(world, file, tmp_path, r"belongs to checkpoint ffffffffffff…, not to")
    file = save(tmp_path / "b", found, subspace, subspace.vector[:-1])
    refused(world, file, tmp_path, "holds 999 numbers, but d = 1000 asks for 1000")
    file = save(tmp_path / "c", found, subspace, quantise(subspace.vector[:-1], 4))
    refused(world, file, tmp_path, "holds 999 numbers, but d = 1000 asks for 1000")
    file = save(tmp_path / "d", found, subspace, head=Classifier(0, ("a", "b", "c")))
    refused(world, file, tmp_path, "for a model with other parameters")
    file = save(tmp_path / "e", found, subspace, head=None)
    refused(world, file, tmp_path, "does not describe a classifier")
    refused(world, found.file, tmp_path, "no checkpoint.json: give a checkpoint's", "tokenizer")


def test_damaged_files_are_refused(world: Path, found: Found, tmp_path: Path) -> None:
    content, bad = found.file.read_bytes(), tmp_path / "bad"
    for damage, sentence in (
        (content[:-4], "not a task vector"),
        (content[:-1] + bytes([content[-1] ^ 1]), "is damaged"),
        (content.replace(b'\\"seed\\": ', b'\\"seed\\":-', 1), "is damaged"),
        (b"nothing of the kind", "not a task vector"),
    ):
        assert damage != content
        bad.write_bytes(damage)
        refused(world, bad, tmp_path, sentence)
    refused(world, tmp_path / "absent", tmp_path, "not a task vector")
    refused(world, world, tmp_path, "not a task vector")


def test_another_version_is_refused(world: Path, found: Found, tmp_path: Path) -> None:
    with safe_open(found.file, framework="pt") as stream:
        facts, theta = json.loads(stream.metadata()["task_vector"]), stream.get_tensor("theta")
    for version in (2, 4):
        old = {"task_vector": json.dumps({**facts, "version": version})}
        save_file({"theta": theta}, tmp_path / "old", old)
        refused(world, tmp_path / "old", tmp_path, f"version {version}, but version 3")


def test_a_damaged_checkpoint_is_refused(world: Path, found: Found, tmp_path: Path) -> None:
    shutil.copytree(world / "model", tmp_path / "model")
    (tmp_path / "model/model.safetensors").write_bytes(b"short")
    refused(tmp_path, found.file, tmp_path, "missing, truncated or altered")


def test_an_existing_folder_is_left_alone(
    world: Path,
    found: Found,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine").touch()
    arguments = ["pipeline", "apply", world / "model", found.file, out]
    monkeypatch.setattr(sys, "argv", list(map(str, arguments)))
    assert main() != 0
    assert capsys.readouterr().err == f"error: {out} exists: remove it, or name another folder\n"
    assert [path.name for path in out.iterdir()] == ["mine"]


def test_a_failure_while_writing_leaves_nothing(
    world: Path, found: Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    refused(world, found.file, tmp_path, "cannot be written: .*No space left")


def test_a_search_saves_what_applying_needs(found: Found) -> None:
    assert load_task_vector(found.file).classifier == Classifier(found.cell.seed, tuple(LABELS))


def test_a_regression_task_becomes_a_model_with_one_output(world: Path, tmp_path: Path) -> None:
    head = Classifier(7, (), "regression")
    model = open_for_task(
        world / "model",
        outputs=head.outputs,
        problem=head.problem,
        dropout=None,
        seed=head.seed,
        device=torch.device("cpu"),
    )
    subspace = Subspace(FlatParameters(model), SubspaceConfig(), 100, 3)
    subspace.vector += 0.1
    subspace.materialize()
    save_task_vector(
        tmp_path / "task",
        subspace.vector,
        subspace=subspace,
        checkpoint=sha256(world / "model" / MODEL_MANIFEST),
        task="similarity",
        classifier=head,
    )
    apply_task(world / "model", tmp_path / "task", tmp_path / "out")
    made = opened(tmp_path / "out")
    assert torch.equal(bits(made), bits(model))
    assert (made.config.num_labels, made.config.problem_type) == (1, "regression")
