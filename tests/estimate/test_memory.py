"""What trainings hold, by the formula and by what is really kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from pipeline.estimate.costs import estimate
from pipeline.estimate.describe import describe
from pipeline.estimate.memory import TrainingMemory
from pipeline.models.opening import compute_in_bfloat16, hold_in_bfloat16
from pipeline.study.reading import as_params, load_params, settings
from pipeline.subspace.permuted_hadamard import SharedSigns
from pipeline.training.cost import EncoderSize
from pipeline.training.optimizers import SGD, AdamW
from pipeline.training.precision import Precision

PRESETS = Path(__file__).parents[2] / "presets"
ADAMW = AdamW(weight_decay=0.0)
LAYERS, WIDTH, WORDS, ROWS, LENGTH = 4, 128, 500, 4, 128
SIZES = {
    "num_hidden_layers": LAYERS, "hidden_size": WIDTH, "num_attention_heads": 2,
    "intermediate_size": 4 * WIDTH, "vocab_size": WORDS, "pad_token_id": 1,
}  # fmt: skip
# Family → a model, and how wide its feed-forward layers count: three matrices as two of 1.5.
MODELS: dict[str, tuple[Callable[[], Any], int]] = {
    "roberta": (
        lambda: RobertaForSequenceClassification(
            RobertaConfig(**SIZES, max_position_embeddings=LENGTH + 2, type_vocab_size=1,
                          attention_probs_dropout_prob=0.0)
        ), 4),
    "gpt_neox": (
        lambda: GPTNeoXForSequenceClassification(
            GPTNeoXConfig(**SIZES, hidden_dropout=0.0, attention_dropout=0.0)
        ), 4),
    "llama": (lambda: LlamaForSequenceClassification(LlamaConfig(**SIZES)), 6),
}  # fmt: skip


def kept(model: Any, precision: Precision, recompute: bool) -> int:
    """Bytes that a forward pass keeps for the backward pass, beside the weights."""
    if precision == "bf16_weights":
        hold_in_bfloat16(model)
    if recompute:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if precision != "fp32":
        compute_in_bfloat16(model)
    weights = {one.untyped_storage().data_ptr() for one in model.parameters()}
    seen: dict[int, int] = {}

    def keep(item: torch.Tensor) -> torch.Tensor:
        storage = item.untyped_storage()
        if storage.data_ptr() not in weights:
            seen[storage.data_ptr()] = storage.nbytes()
        return item

    ids = torch.randint(5, WORDS, (ROWS, LENGTH))
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda item: item):
        model.train()(input_ids=ids, labels=torch.zeros(ROWS, dtype=torch.long))
    return sum(seen.values())


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "bf16_weights"])
@pytest.mark.parametrize("family", MODELS)
def test_activations_are_those_that_are_kept(
    family: str, precision: Precision, recompute: bool
) -> None:
    """Within a factor of 1.6."""
    torch.manual_seed(0)
    make, wide = MODELS[family]
    size = EncoderSize(LAYERS, WIDTH, wide * WIDTH, WORDS, LENGTH)
    expected = TrainingMemory(size, 0, precision, recompute, ROWS * LENGTH).kept()
    if precision == "bf16" and not recompute:  # copies of the weights are kept with activations
        expected += 2 * size.body_parameters()
    assert 1 / 1.6 < kept(make(), precision, recompute) / expected < 1.6


def memory(precision: Precision = "fp32", recompute: bool = False) -> TrainingMemory:
    size = EncoderSize(32, 2560, 10_240, 50_304, 2048)
    return TrainingMemory(size, 2_775_000_000, precision, recompute, 32 * 512)


def test_full_fine_tuning_holds_six_numbers_a_parameter_and_a_probe_three() -> None:
    full, probe = memory().full(ADAMW), memory().subspace(1000, ADAMW)
    each = 4 * 2_775_000_000
    assert (full.weights, full.optimizer) == (3 * each, 2 * each)
    assert full.gradient == probe.gradient == each + 4 * 50_304 * 2560
    # Five numbers for each of d, and 16 bytes an entry of Fastfood's block.
    assert probe.weights == 2 * each and probe.optimizer == 4 * 1000 * 5 + 16 * 1024
    assert full.activations == probe.activations
    assert memory().full(SGD(weight_decay=0.0, momentum=0.0)).optimizer == 0
    assert full.total == pytest.approx(sum(vars(full).values()), abs=1e9)


@pytest.mark.parametrize("d", [3, 1000, 1024])
def test_what_fastfood_spreads_by_is_counted(d: int) -> None:
    block = 1 << (d - 1).bit_length()
    spread = SharedSigns(d, block, 0)
    spread.begin(torch.ones(d))
    spread.places(spread.orders(torch.arange(2)))
    kept = sum(one.nbytes for one in spread._kept.values())
    # B has d entries, the permutation and the places a whole block.
    assert kept == 12 * block + 4 * d
    sgd = memory().subspace(d, SGD(weight_decay=0.0, momentum=0.0))
    assert kept <= sgd.optimizer - 4 * d * 3 == 16 * block


def test_weights_in_bfloat16_take_half_and_a_cpu_keeps_factors() -> None:
    wide, narrow = memory().subspace(1000, ADAMW), memory("bf16_weights").subspace(1000, ADAMW)
    assert (2 * narrow.weights, 2 * narrow.gradient) == (wide.weights, wide.gradient)
    on_cpu = memory("bf16_weights").subspace(1000, ADAMW, on_cpu=True)
    assert on_cpu.weights - narrow.weights == 2 * 2_775_000_000


def test_three_billion_fit_a_gpu_of_80_gb_and_full_fine_tuning_does_not() -> None:
    narrow = memory("bf16_weights", recompute=True)
    assert narrow.subspace(4_000_000, ADAMW).total < 40e9
    assert memory("bf16_weights").subspace(4_000_000, ADAMW).total > 80e9
    assert memory("bf16", recompute=True).full(ADAMW).total > 72e9


def test_an_evaluation_counts_where_it_is_more() -> None:
    size = EncoderSize(2, 64, 256, 500, 128)
    held = TrainingMemory(size, 0, "fp32", True, 1000).subspace(10, ADAMW)
    assert held.activations == 4 * 1000 * 4 * (8 * 64 + 3 * 256)
    deep = TrainingMemory(EncoderSize(40, 64, 256, 500, 128), 0, "fp32", True, 1000)
    assert deep.subspace(10, ADAMW).activations == 4 * 1000 * (80 * 64 + 2 * (16 * 64 + 2 * 256))


def test_the_estimate_names_the_largest_trainings() -> None:
    made = estimate(load_params(PRESETS / "paper.yaml"))
    probe, full = made.memory.values()
    # MRPC has half of the others' rows.
    assert (probe.model, probe.task, probe.batch, probe.length) == ("s0", "qqp", 32, 512)
    assert full.held.optimizer == 8 * made.parameters
    assert probe.held.optimizer == 4 * 5 * 4_000_000 + (16 << 22)
    shown = describe(made, 4e14)
    lines = {line[:17].strip(): line for line in shown.splitlines()}
    assert "s0, qqp: 32 × 512 tokens" in lines["full fine-tuning"]
    assert f"{probe.held.total / 1e9:.2f}" in lines["a probe"]
    assert "GB at most" in lines and "two bytes a parameter more" in shown


def test_the_recipe_decides() -> None:
    content = settings(PRESETS / "paper.yaml")
    totals = {}
    for precision, recompute in (("fp32", False), ("bf16_weights", False), ("bf16_weights", True)):
        for task in content["tasks"].values():
            task["finetune"] |= {"precision": precision, "recompute": recompute}
        made = estimate(as_params(content)).memory
        totals[precision, recompute] = [peak.held.total for peak in made.values()]
    probes, fulls = zip(*totals.values(), strict=True)
    assert probes[0] > 1.8 * probes[1] and probes[1] > 2.5 * probes[2]
    # What trains all weights keeps them in float32.
    assert probes[1] < fulls[1] and fulls[1] > fulls[2]
