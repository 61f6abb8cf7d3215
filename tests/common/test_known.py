"""Files of a known shape that say something else: one sentence each, whoever reads them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.common.manifest import check_model, check_state, seal
from pipeline.common.sealed import write_sealed
from pipeline.errors import UserError
from pipeline.models.opening import open_for_task
from pipeline.published.files import tensor_names
from pipeline.report.provenance import provenance
from pipeline.tasks.data import TaskData
from pipeline.tokens.corpus import Corpus
from pipeline.tokens.tokenizer import open_tokenizer

TASK = {"task": "a", "kind": "classification", "labels": ["x", "y"], "metric": "accuracy",
        "pad_id": 1, "files": {"train.parquet": "0", "eval.parquet": "0"}}  # fmt: skip
ENTRY = {"name": "train-00000", "part": "train", "bytes": [1, 1, 1], "sha256": ["0", "0", "0"]}
CORPUS = {"dtype": "uint16", "shards": [ENTRY]}
MODEL = {"step": 1, "sha256": {"config.json": "0"}}


def tokens(folder: Path) -> object:
    (folder / "tokenizer.json").write_text("{}")
    return open_tokenizer(folder)


READERS: dict[str, tuple[str, Callable[[Path], object], dict[str, Any]]] = {
    "model": ("checkpoint.json", check_model, MODEL),
    "state": ("state.json", check_state, MODEL),
    "task": ("manifest.json", TaskData.open, TASK),
    "corpus": ("manifest.json", Corpus.open, CORPUS),
    "tokenizer": ("tokenizer_config.json", tokens, {"tokenizer_class": "A"}),
    "machine": ("a.json", lambda folder: provenance(folder / "a.json", folder),
                {"item": "search@a", "device": "cpu", "threads": 1}),
}  # fmt: skip
ODD: tuple[Any, ...] = (None, 3, -1, "", [], [3], {}, {"../a": "0"}, {"a": 3}, [None], "a\0")


def text(what: str, path: Path, content: dict[str, Any]) -> str:
    """Content as a file has it: a tokenizer's configuration is its library's, the others ours."""
    if what == "tokenizer":
        return json.dumps(content)
    write_sealed(path, content)
    return path.read_text()


@pytest.mark.parametrize("what", READERS)
def test_any_other_shape_is_one_sentence(tmp_path: Path, what: str) -> None:
    name, read, content = READERS[what]
    path = tmp_path / name
    contents = [
        *({**content, key: value} for key in content for value in ODD),
        *({key: content[key] for key in content if key != gone} for gone in content),
    ]
    texts = [*(text(what, path, one) for one in contents), *map(json.dumps, ODD)]
    texts += ["", "[" * 100_000, '{"a": ' + "9" * 5000 + "}", "\0"]
    refused = 0
    for one in texts:
        path.write_text(one)
        try:
            read(tmp_path)
        except UserError as error:
            assert "\n" not in str(error) and str(tmp_path) in str(error)
            refused += 1
    assert refused > len(texts) / 2


@pytest.mark.parametrize(
    "change",
    [{"shards": [{**ENTRY, "name": "../train"}]}, {"dtype": "object"}, {"shards": [{}]}],
)
def test_a_corpus_cannot_name_files_or_types_of_its_own(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    write_sealed(tmp_path / "manifest.json", {**CORPUS, **change})
    with pytest.raises(UserError, match=r"manifest\.json: content\.(shards|dtype)"):
        Corpus.open(tmp_path)


@pytest.mark.parametrize("change", [{"hidden_size": "x"}, {"num_attention_heads": 0}, {"a": 1}])
def test_a_model_that_cannot_be_built_is_one_sentence(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", **change}))
    seal(tmp_path, "checkpoint.json", step=0)
    with pytest.raises(UserError, match="is not a model that can classify") as caught:
        open_for_task(
            tmp_path, outputs=2, problem="single_label_classification", dropout=0.1, seed=0
        )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 100, (10**12).to_bytes(8, "little"), (2).to_bytes(8, "little") + b"{}",
     (9).to_bytes(8, "little") + b'{"a": 12}'],
)  # fmt: skip
def test_a_header_is_read_before_weights_are_believed(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(UserError, match=r"^x is truncated or no safetensors|^x holds no tensors"):
        tensor_names(tmp_path / "model.safetensors", "x")
