"""``presets/pythia.yaml`` on a tiny stand-in with the layout of what it names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from pipeline.finetuning.cell import Cell
from pipeline.finetuning.evaluation import predict
from pipeline.published.fetching import fetch
from pipeline.study.reading import load_params
from pipeline.tasks.prepare import prepare_task
from pipeline.tokens.tokenizer import open_tokenizer
from tests.families import FAMILIES
from tests.worlds import FINETUNE, task_config

PRESET = Path(__file__).parents[2] / "presets/pythia.yaml"


def write_pythia(tokenizer_dir: Path, folder: Path) -> None:
    """A causal LM in pickled files with an index, whose tokenizer names no padding token."""
    from transformers import AutoModelForCausalLM, GPTNeoXConfig

    tokenizer = open_tokenizer(tokenizer_dir)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|padding|>"]})
    tokenizer.pad_token = None
    # The table of words is longer than the vocabulary, as the real one's is.
    config = GPTNeoXConfig(vocab_size=len(tokenizer) + 20, **FAMILIES["gpt_neox"][0])
    weights = AutoModelForCausalLM.from_config(config).state_dict()
    folder.mkdir(parents=True)
    names = sorted(weights)
    for part, own in enumerate((names[::2], names[1::2]), start=1):
        torch.save({name: weights[name] for name in own}, folder / f"pytorch_model-0000{part}-of-00002.bin")  # fmt: skip
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def test_a_checkpoint_of_it_is_fetched_padded_and_classifies(world: Path, tmp_path: Path) -> None:
    params = load_params(PRESET)
    places = params.published()
    assert places["s0"].revision == "step0" and places["s512"].revision == "step512"
    write_pythia(world / "tokenizer", tmp_path / "suite/step0")
    own = replace(places["s0"], id=str(tmp_path / "suite"), source="folder", revision=None, folder="step0")  # fmt: skip
    fetch(own, 0, tmp_path / "model")
    tokenizer = open_tokenizer(tmp_path / "model")
    assert tokenizer.pad_token == "<|padding|>"
    task = replace(task_config("polarity_short", 16), overlap="allow")
    prepare_task("polarity_short", task, tmp_path / "model", 0, tmp_path / "task")
    cell = Cell.open(
        name="s0", task="polarity_short", model_dir=tmp_path / "model", task_dir=tmp_path / "task",
        config=replace(FINETUNE, dropout=None), seed=0, device=torch.device("cpu"),
    )  # fmt: skip
    assert cell.data.eval.pad_id == cell.network.config.pad_token_id == tokenizer.pad_token_id
    # A decoder classifies at a row's last token: what pads it must not matter.
    alone = predict(cell.network, cell.data.eval.head(1), 1)
    assert alone[0] == predict(cell.network, cell.data.eval, 16)[0]
