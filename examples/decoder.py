"""A causal language model inside a subspace, under bfloat16 autocast.

python -m examples.decoder        (needs transformers)
"""

from __future__ import annotations

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from pipeline.common.seeds import isolated, torch_generator
from pipeline.subspace.optimizer import SubspaceOptimizer

GPT2 = GPT2Config(
    vocab_size=32, n_positions=16, n_embd=32, n_layer=2, n_head=2, initializer_range=0.1,
    bos_token_id=0, eos_token_id=0,
)  # fmt: skip


def main(steps: int = 200, d: int = 500) -> tuple[float, float]:
    """Teach a random model to count; return the loss before and after."""
    with isolated(0, "model"):
        model = GPT2LMHeadModel(GPT2).eval()
    optimizer = SubspaceOptimizer(model, d, lr=1e-2)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.1, steps)
    first = last = float("nan")
    for step in range(steps):
        ids = _counting(step)
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
        last = loss.item()
        first = last if step == 0 else first
    return first, last


def _counting(step: int) -> torch.Tensor:
    """(16, 12) token rows that go up by one from a random start, around the vocabulary."""
    start = torch.randint(0, 32, (16, 1), generator=torch_generator(0, "start", step))
    return (start + torch.arange(12)) % 32


if __name__ == "__main__":
    print("loss {:.3f} → {:.3f}".format(*main()))
