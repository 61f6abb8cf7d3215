from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from pipeline.errors import UserError
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.quantise import Quantised, quantise
from pipeline.subspace.reparameterisation import Subspace
from pipeline.subspace.task_vector import Classifier, load_task_vector, save_task_vector
from pipeline.training.parameters import FlatParameters

CONFIGS = [
    SubspaceConfig(),
    SubspaceConfig(method="did", layers="tensor"),
    SubspaceConfig(projection="fastfood_whole", gaussian="rademacher", share_signs=False),
    SubspaceConfig(projection="dense", normalisation="column"),
    SubspaceConfig(projection="sparse", normalisation="reference"),
]


def flat_network(outputs: int = 3) -> FlatParameters:
    torch.manual_seed(0)
    return FlatParameters(nn.Sequential(nn.Linear(60, 20), nn.Tanh(), nn.Linear(20, outputs)))


def trained(config: SubspaceConfig, path: Path, d: int = 50) -> torch.Tensor:
    """Save a subspace's vector after some movement; return the weights that belong to it."""
    flat = flat_network()
    subspace = Subspace(flat, config, d, 5)
    move = torch.randn(len(subspace.vector), generator=torch.Generator().manual_seed(1))
    subspace.vector += 0.1 * move
    subspace.materialize()
    save_task_vector(path, subspace.vector, subspace=subspace, checkpoint="a" * 64, task="demo")
    return flat.values


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_restores_the_weights_bit_for_bit(config: SubspaceConfig, tmp_path: Path) -> None:
    weights = trained(config, tmp_path / "task.safetensors")
    flat = flat_network()
    task = load_task_vector(tmp_path / "task.safetensors")
    assert (task.config, task.seed, task.dimension, task.task) == (config, 5, 50, "demo")
    task.apply(flat, "a" * 64)
    assert torch.equal(weights, flat.values)


def test_restores_the_weights_in_another_process(tmp_path: Path) -> None:
    weights = trained(SubspaceConfig(), tmp_path / "task.safetensors")
    program = (
        "import sys, pathlib, torch\n"
        "from tests.subspace.test_task_vector import flat_network, load_task_vector\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "flat = flat_network()\n"
        "load_task_vector(folder / 'task.safetensors').apply(flat, 'a' * 64)\n"
        "torch.save(flat.values, folder / 'weights.pt')\n"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=root)
    assert torch.equal(weights, torch.load(tmp_path / "weights.pt"))


def test_the_same_task_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        trained(SubspaceConfig(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_thousand_numbers_are_small(tmp_path: Path) -> None:
    trained(SubspaceConfig(), tmp_path / "task.safetensors", 1000)
    assert (tmp_path / "task.safetensors").stat().st_size < 6000


def test_another_checkpoint_or_model_is_refused(tmp_path: Path) -> None:
    trained(SubspaceConfig(), tmp_path / "task.safetensors")
    task = load_task_vector(tmp_path / "task.safetensors")
    with pytest.raises(UserError, match=r"belongs to checkpoint aaaaaaaaaaaa…, not to bbb"):
        task.apply(flat_network(), "b" * 64)
    with pytest.raises(UserError, match="other parameters than these 4 tensors"):
        task.apply(flat_network(outputs=4), "a" * 64)


def test_a_wrong_number_of_numbers_is_refused(tmp_path: Path) -> None:
    flat = flat_network()
    subspace = Subspace(flat, SubspaceConfig(), 50, 0)
    save_task_vector(
        tmp_path / "task", subspace.vector[:-1], subspace=subspace, checkpoint="a" * 64, task="demo"
    )
    with pytest.raises(UserError, match="holds 49 numbers, but d = 50 asks for 50"):
        load_task_vector(tmp_path / "task").apply(flat, "a" * 64)


def test_what_is_no_task_vector_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "task.safetensors"
    with pytest.raises(UserError, match="not a task vector"):
        load_task_vector(path)
    path.write_bytes(b"no")
    with pytest.raises(UserError, match="not a task vector"):
        load_task_vector(path)
    save_file({"theta": torch.zeros(3)}, path)
    with pytest.raises(UserError, match="not a task vector: its header does not say so"):
        load_task_vector(path)
    for content in ("[]", "{", "3"):
        save_file({"theta": torch.zeros(3)}, path, {"task_vector": content})
        with pytest.raises(UserError, match="task vector"):
            load_task_vector(path)
    save_file({"theta": torch.zeros(3)}, path, {"task_vector": '{"version": 1}'})
    with pytest.raises(UserError, match="of version 1, but version 3 is the one known here"):
        load_task_vector(path)


def test_a_changed_bit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "task.safetensors"
    trained(SubspaceConfig(), path)
    content = path.read_bytes()
    for place in (len(content) - 1, len(content) - 100, content.index(b"entry")):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(UserError, match="is damaged"):
            load_task_vector(path)


def test_a_classifier_is_kept_with_its_labels(tmp_path: Path) -> None:
    subspace = Subspace(flat_network(), SubspaceConfig(), 50, 0)
    head = Classifier(2**63 + 7, ("nein", "größer"))
    save_task_vector(
        tmp_path / "task",
        subspace.vector,
        subspace=subspace,
        checkpoint="a" * 64,
        task="demo",
        classifier=head,
    )
    assert load_task_vector(tmp_path / "task").classifier == head
    with pytest.raises(ValueError, match=r"labels are \['a', 'a'\], but must be"):
        Classifier(0, ("a", "a"))


def test_a_regression_head_has_one_output_and_no_labels(tmp_path: Path) -> None:
    subspace = Subspace(flat_network(outputs=1), SubspaceConfig(), 50, 0)
    head = Classifier(3, (), "regression")
    save_task_vector(
        tmp_path / "task",
        subspace.vector,
        subspace=subspace,
        checkpoint="a" * 64,
        task="demo",
        classifier=head,
    )
    task = load_task_vector(tmp_path / "task")
    assert task.classifier == head
    assert (head.outputs, Classifier(3, ("a", "b")).outputs) == (1, 2)
    task.apply(flat_network(outputs=head.outputs), "a" * 64)
    with pytest.raises(ValueError, match=r"labels are \['a'\], but regression has none"):
        Classifier(3, ("a",), "regression")
    with pytest.raises(ValueError, match=r"labels are \[\], but must be at least two"):
        Classifier(3, ())


def test_a_quantised_task_is_restored_from_its_levels(tmp_path: Path) -> None:
    flat = flat_network()
    subspace = Subspace(flat, SubspaceConfig(), 500, 5)
    start = subspace.vector.clone()
    subspace.vector += 0.1 * torch.randn(500, generator=torch.Generator().manual_seed(1))
    coarse = quantise(subspace.vector - start, 16)
    save_task_vector(tmp_path / "task", coarse, subspace=subspace, checkpoint="a" * 64, task="demo")
    assert (tmp_path / "task").stat().st_size < 1500
    subspace.vector.copy_(start + coarse.values())
    subspace.materialize()
    fresh = flat_network()
    load_task_vector(tmp_path / "task").apply(fresh, "a" * 64)
    assert torch.equal(flat.values, fresh.values)


def squared_error(vector: torch.Tensor, levels: int) -> float:
    return float((quantise(vector, levels).values() - vector).square().mean())


def test_quantisation_is_near_the_best_there_is_for_normal_numbers() -> None:
    """Max 1960: the best 2, 4, 8 and 16 levels have mean squared errors of these sizes."""
    vector = torch.randn(20_000, generator=torch.Generator().manual_seed(0))
    for levels, best in ((2, 0.3634), (4, 0.1175), (8, 0.03454), (16, 0.009497)):
        assert squared_error(vector, levels) < 1.1 * best
    assert squared_error(vector, 1) == pytest.approx(1, rel=0.03)


def test_levels_are_exact_where_there_are_enough() -> None:
    vector = torch.tensor([0.5, -1.0, 0.5, 2.0])
    coarse = quantise(vector, 16)
    assert torch.equal(coarse.values(), vector)
    assert coarse.codebook.tolist() == [-1.0, 0.5, 2.0] and coarse.codes.tolist() == [1, 0, 1, 2]
    assert coarse.codebook.dtype == torch.float16 and coarse.codes.dtype == torch.uint8


def test_what_cannot_be_quantised_is_refused() -> None:
    with pytest.raises(UserError, match="levels is 0"):
        quantise(torch.zeros(3), 0)
    with pytest.raises(UserError, match="beyond half precision"):
        quantise(torch.tensor([1e9]), 2)
    assert isinstance(quantise(torch.zeros(3), 2), Quantised)
