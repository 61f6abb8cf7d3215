"""The sides of `benchmarks.pretraining_cpu`: one model and corpus, trained in three ways."""

from __future__ import annotations

import json
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from benchmarks.whole_encoder import whole_encoder
from pipeline.backends.fairseq.dataset import write_dataset
from pipeline.backends.fairseq.dictionary import FIRST, MASK, write_dictionary
from pipeline.backends.fairseq.environment import LAUNCHER, interpreter
from pipeline.pretraining import encoder
from pipeline.pretraining.ahead import Ahead
from pipeline.pretraining.masking import IGNORE, MaskedBatch, masked_batches
from pipeline.pretraining.mlm import (
    SummedLoss,
    build_model,
    compiled_loss,
    masked_loss,
    summed_loss,
)
from pipeline.pretraining.packing import Blocks, SpecialTokens
from pipeline.pretraining.recipe import ModelConfig
from pipeline.pretraining.watch import Window
from pipeline.tokens.corpus import Corpus, Shard
from pipeline.training.loop import train
from pipeline.training.onednn import through_onednn
from pipeline.training.optimizers import AdamW, make_optimizer
from pipeline.training.parameters import FlatParameters, Full
from pipeline.training.schedules import schedule

LEVERS = ("native", "torch-dropout", "whole-last-block", "whole-head", "compiled")
_RATE, _WARMUP, _MASKED = 2e-3, 10, 0.15


@dataclass(frozen=True)
class Work:
    """One size of everything; ``updates`` of ``rows`` × ``length`` tokens, a line every ``log``."""

    model: ModelConfig
    vocabulary: int
    rows: int
    length: int
    updates: int
    log: int

    @property
    def special(self) -> SpecialTokens:
        """The ids that both sides' vocabularies have."""
        return SpecialTokens(0, 1, 2, self.vocabulary - 1, len(FIRST))

    def blocks(self, seed: int) -> Blocks:
        """The packed corpus in the native side's order."""
        generator = np.random.default_rng(0)
        sentences = generator.integers(8, 31, self.rows * self.updates * self.length // 16)
        ranks = 1 / np.arange(1.0, self.vocabulary - len(FIRST))
        drawn = generator.choice(len(ranks), int(sentences.sum()), p=ranks / ranks.sum())
        pairs = len(drawn) // 2 * 2
        drawn[1:pairs:2] = (7 * drawn[:pairs:2] + 3) % len(ranks)
        documents = np.full(len(sentences) // 10, 10)
        documents[-1] += len(sentences) - documents.sum()
        tokens = (drawn + len(FIRST)).astype(np.uint16)
        shard = Shard(tokens, sentences.astype(np.int32), documents)
        return Blocks(Corpus({}, (shard,)), self.length, self.special, seed)


def _work(layers: int, width: int, vocabulary: int, updates: int) -> Work:
    model = ModelConfig(layers, width, width // 64, 4 * width, 128)
    return Work(model, vocabulary, 32, 128, updates, log=max(1, updates // 10))


SIZES = {
    "2x128": _work(2, 128, 4000, 50),
    "4x256": _work(4, 256, 4000, 20),
    "4x256-16k": _work(4, 256, 16000, 20),
    "smoke": Work(ModelConfig(1, 16, 2, 32, 32), 500, 4, 32, 10, 2),
}


def native(work: Work, seed: int, lever: str = "native") -> None:
    """The pipeline's own loop, batches ahead of need, loss and gradient norm watched."""
    blocks, device = work.blocks(seed), torch.device("cpu")
    model = build_model(work.model, work.vocabulary, work.special, seed)
    through_onednn(model)
    trainable = Full(FlatParameters(model))

    def batches(index: int) -> list[MaskedBatch]:
        places = range(index * work.rows, (index + 1) * work.rows)
        rows = [blocks.at(place) for place in places]
        return masked_batches(blocks, rows, work.rows, _MASKED, work.special, seed, device)

    with ExitStack() as stack:
        ahead = stack.enter_context(Ahead(batches, 0, work.updates))
        if lever == "torch-dropout":
            stack.enter_context(patch.object(encoder, "_plain_cpu", lambda x: False))
        summed = _summed(lever)
        window = Window()
        for step in train(
            model,
            trainable,
            make_optimizer(trainable.vector, AdamW(weight_decay=0.01)),
            schedule("linear", _RATE, _WARMUP, work.updates),
            ahead,
            lambda model, batch: masked_loss(model, batch, summed),
            seed=seed,
            start=0,
            stop=work.updates,
        ):
            window.add(step.loss, trainable.vector.grad)
            if step.done % work.log == 0:
                _say(step.done, window.row(step.done, 0.0, None)["loss"])


def _summed(lever: str) -> SummedLoss:
    """The way to compute a batch's loss that the lever stands for."""
    if lever == "compiled":
        return compiled_loss()
    return {"whole-last-block": whole_encoder, "whole-head": _whole_head}.get(lever, summed_loss)


def _whole_head(
    model: Any, ids: torch.Tensor, mask: Any, positions: torch.Tensor, labels: torch.Tensor
) -> torch.Tensor:
    """The model as transformers has it, the head on every position."""
    used = labels != IGNORE
    rows = torch.arange(len(ids)).unsqueeze(1).expand_as(positions)[used]
    wanted = torch.full_like(ids, IGNORE)
    wanted[rows, positions[used]] = labels[used]
    total: torch.Tensor = model(ids, attention_mask=mask, labels=wanted).loss * used.sum()
    return total


def trainer(work: Work, seed: int) -> None:
    """transformers.Trainer with its collator for masked language models."""
    from transformers import (
        DataCollatorForLanguageModeling,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )

    class Said(TrainerCallback):  # type: ignore[misc]
        def on_log(self, arguments: Any, state: Any, control: Any, **rest: Any) -> None:
            if "loss" in rest["logs"]:
                _say(state.global_step, rest["logs"]["loss"])

    blocks = work.blocks(seed)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=work.rows, max_steps=work.updates,
            learning_rate=_RATE, warmup_steps=_WARMUP, lr_scheduler_type="linear",
            adam_beta1=0.9, adam_beta2=0.98, adam_epsilon=1e-6, weight_decay=0.01, max_grad_norm=0,
            logging_steps=work.log, save_strategy="no", report_to=[], disable_tqdm=True,
            use_cpu=True, seed=seed,
        )  # fmt: skip
        Trainer(
            build_model(work.model, work.vocabulary, work.special, seed),
            arguments,
            DataCollatorForLanguageModeling(_tokenizer(work), mlm_probability=_MASKED),
            [{"input_ids": blocks[index]} for index in range(len(blocks))],
            callbacks=[Said()],
        ).train()


def _tokenizer(work: Work) -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from transformers import PreTrainedTokenizerFast

    vocabulary = {symbol: place for place, symbol in enumerate(_symbols(work))}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(WordLevel(vocabulary, "<unk>")),
        bos_token="<s>", pad_token="<pad>", eos_token="</s>", unk_token="<unk>", mask_token=MASK,
    )  # fmt: skip


def _symbols(work: Work) -> list[str]:
    text = [f"t{place}" for place in range(work.vocabulary - len(FIRST) - 1)]
    return [*FIRST, *text, MASK]


def fairseq(work: Work, seed: int, folder: Path) -> list[str]:
    """The command that trains with fairseq on the same blocks; its data go to the folder."""
    blocks = work.blocks(seed)
    write_dictionary(_symbols(work), folder / "dict.txt")
    # fairseq puts <s> before each line itself; it wants a held-out part, which is not used.
    lines = [blocks[index][1:] for index in range(len(blocks))]
    write_dataset(lines, work.vocabulary - 1, folder / "train")
    write_dataset(lines[:1], work.vocabulary - 1, folder / "valid")
    model = work.model
    options: dict[str, object] = {
        "task": "masked_lm", "criterion": "masked_lm", "arch": "roberta_base",
        "encoder-layers": model.layers, "encoder-embed-dim": model.width,
        "encoder-ffn-embed-dim": model.feed_forward, "encoder-attention-heads": model.heads,
        "dropout": model.dropout, "attention-dropout": model.attention_dropout,
        "max-positions": work.length, "tokens-per-sample": work.length,
        "sample-break-mode": "complete", "mask-prob": _MASKED, "batch-size": work.rows,
        "required-batch-size-multiple": 1, "optimizer": "adam", "adam-betas": "(0.9, 0.98)",
        "adam-eps": 1e-6, "weight-decay": 0.01, "clip-norm": 0.0,
        "lr-scheduler": "polynomial_decay", "lr": _RATE, "warmup-updates": _WARMUP,
        "total-num-update": work.updates, "max-update": work.updates, "seed": seed,
        "log-format": "json", "log-interval": work.log,
    }  # fmt: skip
    pairs = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    switches = ["--cpu", "--no-save", "--disable-validation"]
    return [str(interpreter()), str(LAUNCHER), "train", str(folder), *pairs, *switches]


def _say(updates: int, loss: float) -> None:
    print(json.dumps({"updates": updates, "loss": loss}), flush=True)
