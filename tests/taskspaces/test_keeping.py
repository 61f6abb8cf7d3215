"""A training in own directions is had again bit for bit, and by nothing that was altered."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification

from pipeline.common.seeds import torch_generator
from pipeline.errors import UserError
from pipeline.sharing.apply import apply_task
from pipeline.subspace.basis import Basis
from pipeline.subspace.layered import LayeredSubspace, LayerMap
from pipeline.taskspaces.keeping import (
    DIRECTIONS,
    VECTOR,
    KeptDirections,
    load_layered,
    save_layered,
)
from pipeline.taskspaces.snapshots import LearnedLayer, layers_of, name_of
from pipeline.training.parameters import FlatParameters
from tests.worlds import open_cell


@pytest.fixture(scope="module")
def kept(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.Tensor]:
    """The folder, and the weights that its files must give again."""
    folder = tmp_path_factory.mktemp("kept")
    cell, generator = open_cell(world, "polarity_short"), torch_generator(0, "directions")
    layers = []
    for spans in layers_of(cell):
        size = sum(span.stop - span.start for span in spans)
        rows = torch.linalg.qr(torch.randn(size, 3, generator=generator))[0].T.contiguous()
        lengths = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
        layers.append(LearnedLayer(spans, rows, lengths, rows[0], 0.0, 0.0))
    maps = [LayerMap(one.spans, Basis(one.directions)) for one in layers]
    subspace = LayeredSubspace(cell.flat, maps, 3.3)
    subspace.vector += 0.1 * torch.randn(len(subspace.vector), generator=generator)
    vector = subspace.vector.clone()
    subspace.materialize()
    save_layered(folder, vector, layers, 3.3, cell)
    return folder, cell.flat.values.clone()


def test_apply_gives_the_same_weights(
    world: Path, kept: tuple[Path, torch.Tensor], tmp_path: Path
) -> None:
    folder, weights = kept
    said = apply_task(world / "model", folder / VECTOR, tmp_path / "out")
    assert "polarity_short from d = 6 numbers" in said
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out")
    assert torch.equal(FlatParameters(model).values, weights)
    assert model.config.id2label == {0: "negative", 1: "positive"}


def test_directions_and_their_lengths_are_read_back(
    world: Path, kept: tuple[Path, torch.Tensor]
) -> None:
    held = KeptDirections(kept[0] / DIRECTIONS)
    names = [name_of(spans) for spans in layers_of(open_cell(world, "polarity_short"))]
    assert list(held) == sorted(names) and len(held) == len(names) and "head" not in held
    rows, lengths = held[names[0]]
    assert rows.shape[0] == 3 and lengths.tolist() == [3, 2, 1]


@pytest.mark.parametrize("name", [VECTOR, DIRECTIONS])
def test_an_altered_file_is_refused(
    world: Path, kept: tuple[Path, torch.Tensor], tmp_path: Path, name: str
) -> None:
    for path in kept[0].iterdir():
        content = bytearray(path.read_bytes())
        content[-1] ^= path.name == name
        (tmp_path / path.name).write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"is damaged|is missing or altered"):
        apply_task(world / "model", tmp_path / VECTOR, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_another_file_is_none_of_these(kept: tuple[Path, torch.Tensor], tmp_path: Path) -> None:
    assert load_layered(kept[0] / DIRECTIONS) is None
    assert load_layered(tmp_path / "missing") is None
    vector = load_layered(kept[0] / VECTOR)
    assert vector is not None
    with pytest.raises(UserError, match="belongs to checkpoint"):
        vector.check_checkpoint("another")
