"""The presets of published suites on tiny stand-ins with the layout of what they name."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from pipeline.finetuning.cell import Cell
from pipeline.finetuning.evaluation import predict
from pipeline.published.fetching import fetch
from pipeline.study.reading import load_params
from pipeline.tasks.prepare import prepare_task
from pipeline.tokens.tokenizer import open_tokenizer
from tests.families import FAMILIES
from tests.worlds import FINETUNE, task_config

PRESETS = Path(__file__).parents[2] / "presets"


def parts_of_pickles(model: Any, folder: Path) -> None:
    """Two files, without an index."""
    weights = model.state_dict()
    names = sorted(weights)
    for part, own in enumerate((names[::2], names[1::2]), start=1):
        torch.save({name: weights[name] for name in own}, folder / f"pytorch_model-0000{part}-of-00002.bin")  # fmt: skip


def one_pickle(model: Any, folder: Path) -> None:
    """The head's matrix is the table of words, under both of their names."""
    weights = model.state_dict()
    table = model.get_input_embeddings().weight.data_ptr()
    assert sum(item.data_ptr() == table for item in weights.values()) == 2, "not tied"
    torch.save(weights, folder / "pytorch_model.bin")


def parts_of_safetensors(model: Any, folder: Path) -> None:
    """Several files and their index."""
    model.save_pretrained(folder, max_shard_size="30KB")
    assert (folder / "model.safetensors.index.json").exists()
    assert len(list(folder.glob("model-*.safetensors"))) > 1


@dataclass(frozen=True)
class Suite:
    """A preset and the layout of a checkpoint that it names."""

    preset: str
    family: str
    settings: str
    task: str
    write: Callable[[Any, Path], None]
    pad: str
    # Whether the tokenizer says itself which token pads.
    named: bool
    # A checkpoint's name and its revision.
    checkpoint: tuple[str, str]


SUITES = {
    "pythia": Suite("pythia", "gpt_neox", "gpt_neox", "CausalLM", parts_of_pickles,
                    "<|padding|>", False, ("s512", "step512")),
    "ettin-encoder": Suite("ettin", "modernbert", "modernbert", "MaskedLM", one_pickle,
                           "[PAD]", True, ("s23984", "step23984")),
    "ettin-decoder": Suite("ettin", "modernbert-decoder", "modernbert", "CausalLM", one_pickle,
                           "[PAD]", True, ("s599525", "step599525")),
    "olmo2": Suite("olmo2", "olmo2", "llama", "CausalLM", parts_of_safetensors,
                   "<|pad|>", False, ("s400000", "stage1-step400000-tokens839B")),
}  # fmt: skip


def write(suite: Suite, tokenizer_dir: Path, folder: Path) -> None:
    """A checkpoint as its authors publish it, with the head that it was pretrained with."""
    import transformers

    tokenizer = open_tokenizer(tokenizer_dir)
    tokenizer.add_special_tokens({"additional_special_tokens": [suite.pad]})
    tokenizer.pad_token = suite.pad if suite.named else None
    # The table of words is longer than the vocabulary, as the real ones' are.
    config = transformers.AutoConfig.for_model(
        suite.family, vocab_size=len(tokenizer) + 20, pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
        **FAMILIES[suite.settings][0],
    )  # fmt: skip
    folder.mkdir(parents=True)
    suite.write(getattr(transformers, f"AutoModelFor{suite.task}").from_config(config), folder)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def test_the_tokens_in_a_revisions_name_are_those_of_its_step() -> None:
    params = load_params(PRESETS / "olmo2.yaml")
    for name, place in params.published().items():
        step = params.checkpoints[name].step
        tokens = math.ceil(step * params.trajectory.tokens_per_update / 1e9)
        assert place.revision == f"stage1-step{step}-tokens{tokens}B"


@pytest.mark.parametrize("name", SUITES)
def test_a_checkpoint_of_it_is_fetched_padded_and_classifies(
    name: str, world: Path, tmp_path: Path
) -> None:
    suite = SUITES[name]
    checkpoint, revision = suite.checkpoint
    place = load_params(PRESETS / f"{suite.preset}.yaml").published()[checkpoint]
    assert (place.source, place.revision) == ("hub", revision)
    write(suite, world / "tokenizer", tmp_path / "suite" / revision)
    own = replace(place, id=str(tmp_path / "suite"), source="folder", revision=None, folder=revision)  # fmt: skip
    fetch(own, 0, tmp_path / "model")
    tokenizer = open_tokenizer(tmp_path / "model")
    assert tokenizer.pad_token == suite.pad
    task = replace(task_config("polarity_short", 16), overlap="allow")
    prepare_task("polarity_short", task, tmp_path / "model", 0, tmp_path / "task")
    cell = Cell.open(
        name=checkpoint, task="polarity_short", model_dir=tmp_path / "model", task_dir=tmp_path / "task",
        config=replace(FINETUNE, dropout=None), seed=0, device=torch.device("cpu"),
    )  # fmt: skip
    assert cell.data.eval.pad_id == cell.network.config.pad_token_id == tokenizer.pad_token_id
    # A decoder classifies at a row's last token: what pads it must not matter.
    alone = predict(cell.network, cell.data.eval.head(1), 1)
    assert alone[0] == predict(cell.network, cell.data.eval, 16)[0]
