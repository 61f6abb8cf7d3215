"""The converter against a checkpoint that fairseq trained and logits that fairseq computed."""

from __future__ import annotations

import argparse
import fractions
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pipeline.__main__ import main
from pipeline.backends.fairseq.checkpoint import read_checkpoint
from pipeline.backends.fairseq.convert import convert
from pipeline.common.artifacts import read_json
from pipeline.common.manifest import check_model
from pipeline.errors import UserError
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from pipeline.training.optimizers import AdamW
from tests.pretraining.conftest import MODEL, SOURCES

REFERENCE = Path(__file__).with_name("reference")
LAYER = "encoder.sentence_encoder.layers.0."


def logits(folder: Path, attention: str = "sdpa") -> torch.Tensor:
    """Logits at the reference's tokens, padding left out."""
    from transformers import AutoModelForMaskedLM

    model = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation=attention).eval()
    ids = torch.from_numpy(np.load(REFERENCE / "ids.npy"))
    with torch.no_grad():
        return model(ids, attention_mask=(ids != 1).long()).logits[ids != 1]


def expected() -> torch.Tensor:
    real = np.load(REFERENCE / "ids.npy") != 1
    return torch.from_numpy(np.load(REFERENCE / "logits.npy")[real])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The reference in a folder of its own, as fairseq's models are published."""
    folder = tmp_path / "roberta"
    folder.mkdir()
    shutil.copy(REFERENCE / "checkpoint.pt", folder / "model.pt")
    shutil.copy(REFERENCE / "dict.txt", folder)
    return folder


def edit(source: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The reference with something changed in it."""
    path = source / "model.pt"
    with torch.serialization.safe_globals([argparse.Namespace]):
        state = torch.load(path, weights_only=True)
    change(state)
    torch.save(state, path)
    return path


def arguments(state: dict[str, Any]) -> Any:
    return state["cfg"]["model"]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_logits_are_those_that_fairseq_computed(
    source: Path, tmp_path: Path, attention: str
) -> None:
    sentence = convert(source, tmp_path / "out")
    assert "2 layers, 16 wide" in sentence and "60 updates" in sentence
    assert float((logits(tmp_path / "out", attention) - expected()).abs().max()) <= 1e-5


def test_the_folder_is_one_of_the_projects_checkpoints(source: Path, tmp_path: Path) -> None:
    convert(source / "model.pt", tmp_path / "out")
    assert check_model(tmp_path / "out")["step"] == 60
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "checkpoint.json", "config.json", "model.safetensors"
    }  # fmt: skip


def test_there_and_back_is_the_same_model(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "there")
    convert(tmp_path / "there", tmp_path / "back", source / "dict.txt")
    convert(tmp_path / "back", tmp_path / "again")
    assert torch.equal(logits(tmp_path / "there"), logits(tmp_path / "again"))
    assert (tmp_path / "back/dict.txt").read_bytes() == (source / "dict.txt").read_bytes()
    assert check_model(tmp_path / "again")["step"] == 60


def test_the_same_source_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "there")
    for name in ("a", "b"):
        convert(tmp_path / "there", tmp_path / name, source / "dict.txt")
    assert (tmp_path / "a/model.pt").read_bytes() == (tmp_path / "b/model.pt").read_bytes()


def test_a_type_embedding_goes_into_the_positions(tmp_path: Path) -> None:
    from pipeline.text.tokenizer import TokenizerConfig, make_tokenizer

    make_tokenizer(TokenizerConfig(vocab_size=500), SOURCES, 0, tmp_path / "tokenizer")
    folder = tmp_path / "model"
    init_checkpoint(
        MODEL,
        0,
        Places(tmp_path / "tokenizer", tmp_path, folder, tmp_path / "state", tmp_path),
        AdamW(weight_decay=0.01),
    )
    convert(folder, tmp_path / "there")
    made = read_checkpoint(tmp_path / "there/model.pt")
    assert not any("token_type" in name for name in made.weights)
    convert(tmp_path / "there", tmp_path / "back", tokenizer=tmp_path / "tokenizer")
    difference = logits(tmp_path / "back") - logits(folder)
    assert float(difference.abs().max()) <= 1e-5
    assert (tmp_path / "back/tokenizer.json").exists()
    symbols = (tmp_path / "there/dict.txt").read_text().splitlines()
    assert len(symbols) == read_json(folder / "config.json")["vocab_size"] - 5


def old_names(state: dict[str, Any]) -> None:
    """As the first RoBERTas were saved: another root, another norm, fused projections."""
    weights = state["model"]
    for name in list(weights):
        if "_proj." in name and "out_proj" not in name:
            continue
        new = name.replace("encoder.", "decoder.", 1).replace(
            "layernorm_embedding", "emb_layer_norm"
        )
        weights[new] = weights.pop(name)
    for layer in range(2):
        prefix = f"encoder.sentence_encoder.layers.{layer}.self_attn."
        for kind in ("weight", "bias"):
            parts = [weights.pop(f"{prefix}{part}_proj.{kind}") for part in "qkv"]
            weights[f"{prefix}in_proj_{kind}".replace("encoder", "decoder", 1)] = torch.cat(parts)
    weights["decoder.sentence_encoder.version"] = torch.ones(1)
    state["args"], state["cfg"] = arguments(state), None


def test_the_oldest_names_are_understood(source: Path, tmp_path: Path) -> None:
    edit(source, old_names)
    convert(source, tmp_path / "out")
    assert float((logits(tmp_path / "out") - expected()).abs().max()) <= 1e-5


def other_heads(state: dict[str, Any]) -> None:
    weights = state["model"]
    for name in ("dense", "out_proj"):
        weights[f"classification_heads.mnli.{name}.weight"] = torch.ones(3, 16)
    for name in list(weights):  # what the fast path keeps is stale after a resume
        if "layers." in name and name.endswith(("_weight", "_bias")):
            weights[name] = weights[name] + 1


def test_heads_of_tasks_and_stale_copies_are_left_out(source: Path, tmp_path: Path) -> None:
    edit(source, other_heads)
    convert(source, tmp_path / "out")
    assert float((logits(tmp_path / "out") - expected()).abs().max()) <= 1e-5


def test_half_precision_becomes_single(source: Path, tmp_path: Path) -> None:
    edit(source, lambda s: s["model"].update({k: v.half() for k, v in s["model"].items()}))
    convert(source, tmp_path / "out")
    assert logits(tmp_path / "out").dtype == torch.float32
    torch.testing.assert_close(logits(tmp_path / "out"), expected(), rtol=0, atol=0.05)


def test_another_gelu_is_said_to_be_inexact(source: Path, tmp_path: Path) -> None:
    edit(source, lambda s: setattr(arguments(s), "activation_fn", "gelu_accurate"))
    assert "tanh form of GELU" in convert(source, tmp_path / "out")
    assert read_json(tmp_path / "out/config.json")["hidden_act"] == "gelu_new"


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an unknown weight": (
        lambda s: s["model"].update(extra=torch.ones(1)), "the weight 'extra', which no RoBERTa"),
    "a missing weight": (
        lambda s: s["model"].pop(f"{LAYER}fc2.bias"), "lacks the weight .*layers.0.fc2.bias"),
    "a missing layer": (
        lambda s: [s["model"].pop(k) for k in list(s["model"]) if ".layers.0." in k],
        "lacks the weight"),
    "norms before the layers": (
        lambda s: setattr(arguments(s), "encoder_normalize_before", True),
        "--encoder-normalize-before"),
    "an untied output by argument": (
        lambda s: setattr(arguments(s), "untie_weights_roberta", True), "--untie-weights-roberta"),
    "an untied output by weights": (
        lambda s: s["model"].update({"encoder.lm_head.weight": torch.ones(45, 16)}),
        "not those of the token embeddings"),
    "another activation": (
        lambda s: setattr(arguments(s), "activation_fn", "relu"), "its activation is 'relu'"),
    "another model": (
        lambda s: s.update(model={"encoder.embed_tokens.weight": torch.ones(4, 4)}), "lacks the weight"),
    "no model": (lambda s: s.pop("model"), "no weights under 'model'"),
    "no arguments": (lambda s: s.update(cfg=None), "neither 'args' nor 'cfg.model'"),
    "heads that do not divide": (
        lambda s: setattr(arguments(s), "encoder_attention_heads", 3), "3 heads"),
    "heads in words": (
        lambda s: setattr(arguments(s), "encoder_attention_heads", "two"), "must be a whole number"),
    "no heads": (lambda s: setattr(arguments(s), "encoder_attention_heads", 0), "must be at least 1"),
    "no share": (lambda s: setattr(arguments(s), "dropout", float("nan")), "dropout is nan"),
    "a history of words": (lambda s: s.update(optimizer_history=["x"]), "optimizer_history.0. must"),
    "updates in words": (
        lambda s: s.update(optimizer_history=[{"num_updates": "x"}]), "num_updates must be a whole"),
    "an iterator of words": (
        lambda s: s.update(extra_state={"train_iterator": "x"}), "train_iterator must be a mapping"),
    "embeddings without a width": (
        lambda s: s["model"].update({"encoder.sentence_encoder.embed_tokens.weight": torch.ones(45)}),
        "lacks the weight|contradict|cannot be converted"),
    "a weight of another shape": (
        lambda s: s["model"].update({f"{LAYER}fc2.bias": torch.ones(3)}), "contradict each other"),
    "another class inside": (
        lambda s: s.update(extra=fractions.Fraction(1, 2)), "it holds a fractions.Fraction"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_roberta_is_refused_in_one_sentence(
    source: Path, tmp_path: Path, what: str
) -> None:
    change, sentence = REFUSED[what]
    edit(source, change)
    with pytest.raises(UserError, match=sentence) as error:
        convert(source, tmp_path / "out")
    assert str(source / "model.pt") in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_another_vocabulary_is_refused(source: Path, tmp_path: Path) -> None:
    with open(source / "dict.txt", "a") as stream:
        stream.write("more 1\n")
    with pytest.raises(UserError, match="embeds 45 symbols, but its vocabulary has 46"):
        convert(source, tmp_path / "out")


def test_damaged_files_are_refused(source: Path, tmp_path: Path) -> None:
    path = source / "model.pt"
    content = path.read_bytes()
    for damage in (
        content[:-100],
        content[: len(content) // 2],
        content[:1],
        b"",
        b"no checkpoint",
    ):
        path.write_bytes(damage)
        with pytest.raises(UserError, match="no checkpoint of fairseq's"):
            convert(source, tmp_path / "out")
    path.unlink()
    with pytest.raises(UserError, match=r"model.pt is missing"):
        convert(source, tmp_path / "out")
    with pytest.raises(UserError, match=r"dict.txt cannot be read"):
        convert(REFERENCE / "checkpoint.pt", tmp_path / "out", tmp_path / "dict.txt")


def config(folder: Path, **changes: object) -> None:
    from pipeline.common.artifacts import write_json

    write_json(folder / "config.json", read_json(folder / "config.json") | changes)
    (folder / "checkpoint.json").unlink(missing_ok=True)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hidden_act": "relu"}, "its hidden_act is 'relu'"),
        ({"layer_norm_eps": 1e-12}, "its layer_norm_eps is 1e-12"),
        ({"vocab_size": 45, "num_hidden_layers": 3}, "lacks the weight"),
    ],
)
def test_a_folder_that_fairseq_cannot_be_is_refused(
    source: Path, tmp_path: Path, changes: dict[str, Any], sentence: str
) -> None:
    convert(source, tmp_path / "there")
    config(tmp_path / "there", **changes)
    with pytest.raises(UserError, match=sentence):
        convert(tmp_path / "there", tmp_path / "back", source / "dict.txt")
    assert not (tmp_path / "back").exists()


def test_a_damaged_folder_is_refused(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "there")
    path = tmp_path / "there/model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match="missing, truncated or altered"):
        convert(tmp_path / "there", tmp_path / "back", source / "dict.txt")


def test_the_command_says_what_it_wrote_or_what_is_wrong(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    words = ["pipeline", "convert", source / "model.pt", out, "--dict", source / "dict.txt"]
    monkeypatch.setattr(sys, "argv", list(map(str, words)))
    assert main() == 0 and str(out) in capsys.readouterr().out
    assert main() == 2
    assert capsys.readouterr().err == f"error: {out} exists: remove it, or name another folder\n"
