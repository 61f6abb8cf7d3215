from __future__ import annotations

import json
import os
import re
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from pipeline.common.artifacts import read_json, sha256
from pipeline.common.manifest import check_model
from pipeline.errors import UserError
from pipeline.models.opening import open_for_task
from pipeline.published.fetching import fetch, pins
from pipeline.published.place import Place
from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer
from tests.families import write_family
from tests.pretraining.conftest import SOURCES


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "tokenizer"
    make_tokenizer(TokenizerConfig(vocab_size=400), SOURCES, 0, folder)
    return folder


@pytest.fixture
def published(tokenizer: Path, tmp_path: Path) -> Path:
    return write_family("bert", tokenizer, tmp_path / "published")


def opened(folder: Path) -> torch.nn.Module:
    return open_for_task(
        folder, outputs=2, problem="single_label_classification", dropout=0.1, seed=0,
        device=torch.device("cpu"),
    )  # fmt: skip


def local(folder: Path, **settings: str) -> Place:
    return Place(str(folder), "folder", **settings)


def test_a_fetched_model_is_a_checkpoint_that_can_classify(published: Path, tmp_path: Path) -> None:
    manifest = fetch(local(published), 70, tmp_path / "model")
    assert check_model(tmp_path / "model") == manifest
    assert manifest["step"] == 70 and manifest["origin"]["id"] == str(published)
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        assert manifest["sha256"][name] == sha256(tmp_path / "model" / name)
    weights = (tmp_path / "model/model.safetensors").read_bytes()
    assert weights == (published / "model.safetensors").read_bytes()
    opened(tmp_path / "model")


def test_two_fetches_give_the_same_bytes(published: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        fetch(local(published), 0, tmp_path / name)
    assert sha256(tmp_path / "a/checkpoint.json") == sha256(tmp_path / "b/checkpoint.json")


@pytest.mark.parametrize("shards", [1, 2])
def test_pickled_weights_become_safetensors(published: Path, tmp_path: Path, shards: int) -> None:
    tensors = load_file(published / "model.safetensors")
    (published / "model.safetensors").unlink()
    names = sorted(tensors)
    # Tied weights share their memory in a pickle.
    tensors[names[1]] = tensors[names[0]].view(-1)[:4]
    parts = [names[:3], names[3:]] if shards == 2 else [names]
    files = (
        [f"pytorch_model-{part}.bin" for part in range(2)] if shards == 2 else ["pytorch_model.bin"]
    )
    for part, file in zip(parts, files, strict=True):
        torch.save({name: tensors[name] for name in part}, published / file)
    if shards == 2:
        index = {name: file for part, file in zip(parts, files, strict=True) for name in part}
        (published / "pytorch_model.bin.index.json").write_text(
            json.dumps({"metadata": {}, "weight_map": index})
        )
    fetch(local(published), 0, tmp_path / "model")
    made = {}
    for file in sorted((tmp_path / "model").glob("*.safetensors")):
        made |= load_file(file)
    assert set(made) == set(tensors)
    assert all(torch.equal(made[name], tensors[name]) for name in tensors)
    assert not list((tmp_path / "model").glob("*.bin"))
    if shards == 2:
        index = read_json(tmp_path / "model/model.safetensors.index.json")["weight_map"]
        assert set(index.values()) == {"model-0.safetensors", "model-1.safetensors"}


class Evil:
    def __reduce__(self):
        return (print, ("code of a checkpoint ran",))


def test_a_pickle_that_holds_code_is_refused(
    published: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (published / "model.safetensors").unlink()
    torch.save({"weight": Evil()}, published / "pytorch_model.bin")
    with pytest.raises(UserError, match="cannot be read as plain tensors"):
        fetch(local(published), 0, tmp_path / "model")
    assert "ran" not in capsys.readouterr().out
    assert not (tmp_path / "model").exists()


def edit(folder: Path, **changes: object) -> None:
    config = read_json(folder / "config.json")
    (folder / "config.json").write_text(json.dumps({**config, **changes}))


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def index(folder: Path, names: dict[str, object]) -> None:
    path = folder / "model.safetensors.index.json"
    path.write_text(json.dumps({"weight_map": names}))


def without_frame(folder: Path) -> None:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "post_processor": None}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "has no config.json"),
        (lambda folder: edit(folder, model_type="mine", auto_map={"AutoModel": "code.Model"}),
         "model_type 'mine'.*never run"),
        (lambda folder: (folder / "model.safetensors").unlink(), "neither model.safetensors nor"),
        (lambda folder: edit(folder, model_type=["bert"]), "model_type must be text"),
        (lambda folder: edit(folder, pad_token_id="x"), "pad_token_id must be a whole number"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "must be a mapping"),
        (lambda folder: cut(folder / "model.safetensors"), "truncated or no safetensors file"),
        (lambda folder: index(folder, {}), "weight_map is empty"),
        (lambda folder: index(folder, {"a": 3}), "must be text, not 3"),
        (lambda folder: index(folder, {"a": "../model.safetensors"}), "lacks the file|neither"),
        (lambda folder: edit(folder, pad_token_id=3), "pads with id 3, but its tokenizer with 1"),
        (lambda folder: [path.unlink() for path in folder.glob("tokenizer*")], "no tokenizer"),
        (lambda folder: edit(folder, vocab_size=9), "the id .*, but the model's vocab_size has room for 9"),
        (without_frame, "has <s> and </s>, but encodes rows without them"),
    ],
    ids=["no config", "code", "no weights", "no type", "no pad", "no mapping", "truncated",
         "no index", "an index of numbers", "an index that leaves", "another pad", "no tokenizer",
         "a larger vocabulary", "no frame"],
)  # fmt: skip
def test_what_cannot_be_used_is_one_sentence(
    published: Path, tmp_path: Path, damage, message: str
) -> None:
    damage(published)
    with pytest.raises(UserError, match=message) as caught:
        fetch(local(published), 0, tmp_path / "model")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "model").exists()


POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 440449768\n"


@pytest.mark.parametrize(
    "name",
    ["config.json", "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
     "tokenizer.json", "tokenizer_config.json"],
)  # fmt: skip
def test_a_pointer_is_not_the_file(published: Path, tmp_path: Path, name: str) -> None:
    if name == "pytorch_model.bin":
        (published / "model.safetensors").unlink()
    (published / name).write_text(POINTER)
    with pytest.raises(UserError, match=f"{name} is a Git LFS pointer.*git lfs pull"):
        fetch(local(published), 0, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_pointer_that_is_not_needed_harms_nothing(published: Path, tmp_path: Path) -> None:
    (published / "pytorch_model.bin").write_text(POINTER)
    fetch(local(published), 0, tmp_path / "model")


def test_no_advice_costs_a_file_of_the_users(published: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors.index.json"):
        (published / name).write_text("{")
        with pytest.raises(
            UserError, match=f"{name} is not valid JSON.*get the file again"
        ) as told:
            fetch(local(published), 0, tmp_path / "model")
        assert not re.search("delete|remove", str(told.value))
        (published / name).write_text(json.dumps({"model_type": "bert"}))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"epoch": 3, "state_dict": {"a": torch.ones(2)}}, r"\(a mapping of \['epoch', 'state_dict'\]\)"),
        ([torch.ones(2)], r"\(a list of 1\): save those alone"),
        (torch.ones(2), r"\(a Tensor\)"),
        ({}, "holds no tensors"),
        ({"a": torch.ones(2).to_sparse()}, "holds tensors that safetensors cannot .*plain dense"),
    ],
    ids=["nested", "list", "one tensor", "empty", "sparse"],
)  # fmt: skip
def test_a_pickle_of_another_shape_is_one_sentence(
    published: Path, tmp_path: Path, content: object, message: str
) -> None:
    (published / "model.safetensors").unlink()
    torch.save(content, published / "pytorch_model.bin")
    with pytest.raises(UserError, match=message) as told:
        fetch(local(published), 0, tmp_path / "model")
    assert "\n" not in str(told.value) and not (tmp_path / "model").exists()


@pytest.mark.parametrize("format_", ["safetensors", "bin"])
def test_numbered_parts_need_no_index(published: Path, tmp_path: Path, format_: str) -> None:
    whole = load_file(published / "model.safetensors")
    (published / "model.safetensors").unlink()
    save = save_file if format_ == "safetensors" else torch.save
    stem = "model" if format_ == "safetensors" else "pytorch_model"
    names = sorted(whole)
    for number, part in enumerate((names[:3], names[3:]), start=1):
        save(
            {name: whole[name] for name in part},
            published / f"{stem}-{number:05d}-of-00002.{format_}",
        )
    fetch(local(published), 0, tmp_path / "model")
    index = read_json(tmp_path / "model/model.safetensors.index.json")["weight_map"]
    assert set(index) == set(whole) and len(set(index.values())) == 2
    opened(tmp_path / "model")
    (published / f"{stem}-00002-of-00002.{format_}").unlink()
    with pytest.raises(
        UserError, match=r"has 1 of the files that .*00001-of-00002.* get the others"
    ):
        fetch(local(published), 0, tmp_path / "other")


def test_an_index_names_tensors_that_are_there(published: Path, tmp_path: Path) -> None:
    index(published, {"a.weight": "model.safetensors"})
    with pytest.raises(UserError, match=r"its index names 'a\.weight', which no file holds"):
        fetch(local(published), 0, tmp_path / "model")


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json", "more.txt"])
def test_a_link_out_of_a_local_folder_is_refused_before_it_is_read(
    published: Path, tmp_path: Path, name: str
) -> None:
    (published / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / "canary")  # whoever reads it waits forever
    (published / name).symlink_to(tmp_path / "canary")
    with pytest.raises(UserError, match=f"{name} leads out of"):
        fetch(local(published), 0, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_suite_lies_in_its_folder_and_so_does_its_tokenizer(
    published: Path, tmp_path: Path
) -> None:
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "step-1").symlink_to(published)
    with pytest.raises(UserError, match="step-1 leads out of"):
        fetch(Place(str(suite), "folder", folder="step-1"), 0, tmp_path / "model")
    (suite / "tokenizer").mkdir()
    (suite / "tokenizer/tokenizer.json").symlink_to(published / "tokenizer.json")
    with pytest.raises(UserError, match=r"tokenizer\.json leads out of"):
        fetch(local(published, tokenizer=str(suite / "tokenizer")), 0, tmp_path / "model")
    for folder in ("../published", str(published)):
        with pytest.raises(ValueError, match="must name a folder inside of id"):
            Place(str(suite), "folder", folder=folder)


def test_pickled_weights_that_unpack_to_more_are_refused(published: Path, tmp_path: Path) -> None:
    (published / "model.safetensors").unlink()
    torch.save({"a": torch.zeros(1).expand(1 << 20, 1 << 20)}, published / "pytorch_model.bin")
    with pytest.raises(UserError, match="but its tensors would be 4398046511104"):
        fetch(local(published), 0, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_model_that_lacks_weights_is_no_model(published: Path, tmp_path: Path) -> None:
    tensors = load_file(published / "model.safetensors")
    lost = next(name for name in tensors if "layer.1.attention" in name)
    del tensors[lost]
    save_file(tensors, published / "model.safetensors", {"format": "pt"})
    fetch(local(published), 0, tmp_path / "model")
    with pytest.raises(
        UserError, match=r"lacks 1 of the model's weights, such as bert.*not a whole"
    ):
        opened(tmp_path / "model")


def test_a_pooler_may_be_new(published: Path, tmp_path: Path) -> None:
    tensors = load_file(published / "model.safetensors")
    kept = {name: tensor for name, tensor in tensors.items() if "pooler" not in name}
    assert len(kept) < len(tensors)
    save_file(kept, published / "model.safetensors", {"format": "pt"})
    fetch(local(published), 0, tmp_path / "model")
    opened(tmp_path / "model")


def test_a_decoder_without_a_padding_token_needs_to_be_told_one(
    tokenizer: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    folder = write_family("gpt2", tokenizer, tmp_path / "gpt2")
    bare = AutoTokenizer.from_pretrained(folder)
    bare.pad_token = None
    bare.save_pretrained(folder)
    edit(folder, pad_token_id=None)
    with pytest.raises(UserError, match="set pad_token to one of its tokens"):
        fetch(local(folder), 0, tmp_path / "model")
    with pytest.raises(UserError, match="'<nothing>' is not in the vocabulary"):
        fetch(local(folder, pad_token="<nothing>"), 0, tmp_path / "model")
    fetch(local(folder, pad_token="</s>"), 0, tmp_path / "model")
    model = opened(tmp_path / "model")
    assert model.config.pad_token_id == bare.get_vocab()["</s>"]


def test_the_hub_is_asked_for_one_commit_and_for_pickles_only_if_needed(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, asked = "0123456789abcdef", []
    snapshot = tmp_path / "cache" / commit
    snapshot.mkdir(parents=True)
    published.rename(snapshot / "step-7")

    def download(name, revision, allow_patterns):
        asked.append((name, revision, allow_patterns))
        assert huggingface_hub.utils.are_progress_bars_disabled()
        return str(snapshot)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    place = Place("someone/suite", revision="main", folder="step-7")
    manifest = fetch(place, 7, tmp_path / "model")
    assert manifest["origin"]["commit"] == commit
    assert [(name, revision) for name, revision, _ in asked] == [("someone/suite", "main")]
    assert all(pattern.startswith("step-7/") for pattern in asked[0][2])
    assert not any("bin" in pattern for pattern in asked[0][2])

    tensors = load_file(snapshot / "step-7/model.safetensors")
    (snapshot / "step-7/model.safetensors").unlink()
    torch.save(tensors, snapshot / "step-7/pytorch_model.bin")
    fetch(place, 7, tmp_path / "model")
    assert asked[-1][1] == commit and any("bin" in pattern for pattern in asked[-1][2])


def test_without_a_network_the_hub_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match=r"hub model 'a/b' cannot be fetched .*check id, revision"):
        fetch(Place("a/b"), 0, tmp_path / "model")


def test_pins_are_the_hubs_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    class Api:
        def model_info(self, name, revision):
            return type("Info", (), {"sha": f"{name}@{revision}"})

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    places = {"a": Place("x/a", revision="step1"), "b": Place("folder/b", "folder")}
    assert pins(places) == "a: {revision: x/a@step1}  # x/a"


def test_a_folder_has_no_revision() -> None:
    with pytest.raises(ValueError, match="a revision is for models of the hub"):
        Place("folder", "folder", revision="main")
