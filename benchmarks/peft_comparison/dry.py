"""PEFT's script without a GPU: what stands in for the accelerator, the model and the data."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

# The Python that the script is for.
NEEDED = (3, 12)
# What differs from the script's defaults; its dtype, bfloat16, does not.
TRAINING: dict[str, object] = {
    "max_steps": 4,
    "eval_steps": 2,
    "generation_kwargs": {"max_length": 160, "max_new_tokens": 8},
}
_ROWS = 16


def prepare(scripts: Path, folder: Path) -> tuple[Path, str]:
    """Copy the script to a folder, and write a tiny model beside it.

    Returns:
        The folder of the copy, and the model's.
    """
    copy = folder / "scripts"
    for name in ("results", "temporary_results", "cancelled_results"):
        (copy / name).mkdir(parents=True)
    for path in (*scripts.glob("*.py"), *scripts.glob("*.json")):
        shutil.copyfile(path, copy / path.name)
    return copy, str(_write_model(folder / "tiny"))


def _write_model(folder: Path) -> Path:
    """A decoder of random weights, whose tokens are bytes."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = {token: number for number, token in enumerate(["<s>", "</s>", *letters])}
    tokenizer = Tokenizer(models.BPE(vocab=tokens, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    ).save_pretrained(folder)  # fmt: skip
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokens), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
        max_position_embeddings=800, bos_token_id=0, eos_token_id=1,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def stand_in() -> None:
    """Let the script take this CPU for its accelerator, for the rest of the process.

    It refuses to be imported without CUDA or XPU, imports bitsandbytes, asks the accelerator for
    its memory and git for PEFT's branch, saves with what Python has from 3.12 on, and takes data
    and model cards from the hub.
    """
    import datasets
    import peft.utils
    import torch

    os.environ["HF_HUB_OFFLINE"] = "1"
    datasets.load_dataset = _load_dataset
    absent: Any = ModuleType("bitsandbytes")
    absent.__spec__ = ModuleSpec("bitsandbytes", None)
    # The script asks git about a module that lies elsewhere.
    absent.__path__, absent.__version__ = ["site-packages"], "absent"
    sys.modules["bitsandbytes"] = absent
    cpu: Any = torch.cpu
    for name in ("memory_allocated", "memory_reserved", "max_memory_reserved"):
        setattr(cpu, name, lambda: 0)
    for name in ("reset_peak_memory_stats", "empty_cache", "manual_seed_all"):
        setattr(cpu, name, lambda *_: None)
    cpu.get_device_name = lambda _: "CPU"
    # At its import the script's module wants a GPU, and later what really is there.
    peft.utils.infer_device = lambda: "cuda"
    import utils  # type: ignore[import-not-found]

    peft.utils.infer_device = utils.infer_device = lambda: "cpu"
    utils.device = "cpu"
    utils.get_peft_branch = lambda: "dry"
    if sys.version_info < NEEDED:
        # Where a run is to be clean, as here, that means the same.
        utils.tempfile = SimpleNamespace(TemporaryDirectory=_temporary_directory)


def _temporary_directory(*, ignore_cleanup_errors: bool, delete: bool) -> Any:
    assert delete
    return tempfile.TemporaryDirectory(ignore_cleanup_errors=ignore_cleanup_errors)


def _load_dataset(name: str, *_: Any, **__: Any) -> Any:
    """Sums in the place of the script's data sets, by the last part of their names."""
    from datasets import Dataset, DatasetDict

    sums = [(number, 2 * number + 1) for number in range(_ROWS)]
    asked = [f"What is {one} plus {two}?" for one, two in sums]
    worked = [f"{one} + {two} = {one + two}" for one, two in sums]
    totals = [one + two for one, two in sums]
    if name.endswith("MetaMathQA"):
        said = [f"{how}. The answer is: {total}" for how, total in zip(worked, totals, strict=True)]
        columns = {"query": asked, "original_question": asked, "response": said}
        return DatasetDict(train=Dataset.from_dict({**columns, "type": ["sum"] * _ROWS}))
    if name.endswith("gsm8k"):
        said = [f"{how}\n#### {total}" for how, total in zip(worked, totals, strict=True)]
        rows = Dataset.from_dict({"question": asked, "answer": said})
        return DatasetDict(train=rows, test=rows)
    return Dataset.from_dict({"text": [json.dumps(sums[:3])] * 4}).to_iterable_dataset()
