# ruff: noqa: E402 — what is imported needs PEFT
"""SAID through PEFT in a language model: what its method comparison asks of a method."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

peft = pytest.importorskip("peft", reason="the extra peft is not installed")

from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from pipeline.sharing.said_tuner import SaidConfig

PROMPT = torch.tensor([[3, 9, 8, 7], [3, 4, 4, 5]])
GREEDY = {"max_new_tokens": 12, "do_sample": False, "pad_token_id": 1}


def decoder(tied: bool = True, dtype: torch.dtype = torch.float32) -> LlamaForCausalLM:
    config = LlamaConfig(
        vocab_size=64, hidden_size=16, intermediate_size=32, num_hidden_layers=2, eos_token_id=2,
        num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=tied, bos_token_id=0,
        max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(config).to(dtype).eval()


def adapted(model: LlamaForCausalLM, away: float = 0.5) -> torch.nn.Module:
    """The model with an adapter away from its start."""
    model = peft.get_peft_model(model, SaidConfig(task_type="CAUSAL_LM", d=40, seed=7))
    theta = model.base_model.model.said.said_theta["default"]
    theta.data.add_(away * torch.randn(40, generator=torch.Generator().manual_seed(1)))
    return model.eval()


def bits(model: torch.nn.Module) -> list[torch.Tensor]:
    kinds = {4: torch.int32, 2: torch.int16}
    return [item.detach().view(kinds[item.element_size()]).clone() for item in model.parameters()]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tied", [True, False])
def test_it_generates_what_the_merged_model_generates(tied: bool, dtype: torch.dtype) -> None:
    base = decoder(tied, dtype)
    own, before = base.generate(PROMPT, **GREEDY), bits(base)
    model = adapted(base)
    with torch.inference_mode():
        found = model.generate(input_ids=PROMPT, **GREEDY)
    with model.disable_adapter():
        assert torch.equal(model.generate(input_ids=PROMPT, **GREEDY), own)
    merged = adapted(decoder(tied, dtype)).merge_and_unload()
    assert torch.equal(found, merged.generate(PROMPT, **GREEDY))
    assert not torch.equal(found, own)
    assert all(map(torch.equal, bits(model.unload()), before))


def test_weights_come_back_where_generating_fails() -> None:
    base = decoder()
    before = bits(base)
    model = adapted(base)
    with pytest.raises(ValueError, match="max_new_tokens"):
        model.generate(input_ids=PROMPT, max_new_tokens=-1, pad_token_id=1)
    assert all(map(torch.equal, bits(model.unload()), before))


@pytest.mark.parametrize("moved", [False, True])
def test_it_trains_after_it_was_measured(moved: bool) -> None:
    """The comparison measures a loss in inference mode before the first step."""
    model = adapted(decoder(), away=0.0)
    if moved:
        # As where the model went to another device after the adapter came in.
        subspace = model.base_model.model.said.subspace
        subspace.vector = subspace.vector.to("meta")
    with torch.inference_mode():
        loss = model(input_ids=PROMPT, labels=PROMPT).loss.item()
        model.generate(input_ids=PROMPT, **GREEDY)
    optimizer = torch.optim.AdamW([item for item in model.parameters() if item.requires_grad], 0.05)
    for _ in range(10):
        optimizer.zero_grad()
        model(input_ids=PROMPT, labels=PROMPT).loss.backward()
        optimizer.step()
    with torch.inference_mode():
        assert model(input_ids=PROMPT, labels=PROMPT).loss.item() < loss


def test_of_a_language_model_it_keeps_d_numbers_alone(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    decoder(tied=False).save_pretrained(tmp_path / "base")
    model = adapted(decoder(tied=False))
    model.save_pretrained(tmp_path / "adapter")
    kept = load_file(tmp_path / "adapter/adapter_model.safetensors")
    assert [item.numel() for item in kept.values()] == [40]
    again = AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    again = peft.PeftModel.from_pretrained(again, tmp_path / "adapter").merge_and_unload()
    assert all(map(torch.equal, bits(again), bits(model.merge_and_unload())))
