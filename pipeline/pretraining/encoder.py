"""RoBERTa's encoder, computed no further than the loss looks.

Weights and function are those of transformers' `RobertaModel`; what differs is the work:

- the last block answers for the masked positions only. Its keys and values need every token; its
  queries, output and feed-forward, ten twelfths of a block's products, need one token in seven;
- queries, keys and values come out of one product;
- rows without padding are attended without a mask, which is what lets torch's fastest kernels in;
- on a CPU dropout and attention avoid torch's slow ways (`_dropped`, `_attend`).

Letters of shapes: b rows, l tokens of a row, s slots for masked positions, w width, h heads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from pipeline.training.onednn import feed_forward, linear

if TYPE_CHECKING:
    from transformers import RobertaModel

# A random integer of 64 bits decides for four entries, each by 16 of them.
_DECISIONS, _LEVELS = 4, 1 << 16


def encode(
    model: RobertaModel, ids: torch.Tensor, mask: torch.Tensor | None, positions: torch.Tensor
) -> torch.Tensor:
    """Hidden states (b, s, w) at the given positions.

    Args:
        model: the encoder; in training mode its dropout rates apply.
        ids: tokens (b, l), rows padded at their end.
        mask: (b, l), 0 where a row is padded; None where none is.
        positions: which tokens of each row are wanted (b, s).
    """
    config = model.config
    rates = (config.hidden_dropout_prob, config.attention_probs_dropout_prob)
    hidden_rate, attention_rate = rates if model.training else (0.0, 0.0)
    seen = None if mask is None else mask[:, None, None, :].bool()
    x_blw = _dropped(_embed(model.embeddings, ids), hidden_rate)
    blocks = list(model.encoder.layer)
    for block in blocks[:-1]:
        x_blw = _block(block, x_blw, x_blw, seen, hidden_rate, attention_rate)
    return _block(blocks[-1], _taken(x_blw, positions), x_blw, seen, hidden_rate, attention_rate)


def _embed(embeddings: Any, ids: torch.Tensor) -> torch.Tensor:
    """Word, position and type embeddings, normalised; padding gets a position like any token."""
    first = embeddings.padding_idx + 1
    places = embeddings.position_embeddings.weight[first : first + ids.shape[1]]
    same = places + embeddings.token_type_embeddings.weight[0]
    result: torch.Tensor = embeddings.LayerNorm(embeddings.word_embeddings(ids) + same)
    return result


def _taken(x_blw: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    rows, length, _ = x_blw.shape
    starts = torch.arange(0, rows * length, length, device=positions.device)
    flat = (positions + starts[:, None]).flatten()
    return x_blw.flatten(0, 1).index_select(0, flat).view(*positions.shape, -1)


def _block(
    block: Any,
    x_bqw: torch.Tensor,
    context_blw: torch.Tensor,
    seen: torch.Tensor | None,
    hidden_rate: float,
    attention_rate: float,
) -> torch.Tensor:
    """A block's output for the tokens in ``x``, which attend to all of ``context``."""
    query, key, value = _projected(block.attention.self, x_bqw, context_blw)
    mixed = _attend(query, key, value, seen, attention_rate).transpose(1, 2).flatten(2)
    out = block.attention.output
    x_bqw = out.LayerNorm(x_bqw + _dropped(out.dense(mixed), hidden_rate))
    inner = feed_forward(x_bqw, block.intermediate.dense, block.output.dense)
    result: torch.Tensor = block.output.LayerNorm(x_bqw + _dropped(inner, hidden_rate))
    return result


def _projected(
    attention: Any, x_bqw: torch.Tensor, context_blw: torch.Tensor
) -> list[torch.Tensor]:
    """Queries (b, h, q, w/h), keys and values (b, h, l, w/h)."""
    parts = [attention.query, attention.key, attention.value]
    if x_bqw is context_blw:
        weight = torch.cat([part.weight for part in parts])
        bias = torch.cat([part.bias for part in parts])
        whole = linear(x_bqw, weight, bias)
        made = list(whole.chunk(3, dim=-1))
    else:
        made = [parts[0](x_bqw), *(part(context_blw) for part in parts[1:])]
    heads = attention.num_attention_heads
    return [part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in made]


def _attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    seen: torch.Tensor | None,
    rate: float,
) -> torch.Tensor:
    """Scaled dot-product attention with dropout on its weights.

    torch's CPU kernel knows no dropout, and what stands in for it goes over the scores several
    times more than is needed.
    """
    if not (rate and _plain_cpu(query)):
        return functional.scaled_dot_product_attention(query, key, value, seen, rate)
    scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
    if seen is not None:
        scores = scores + torch.zeros(seen.shape).masked_fill(~seen, -math.inf)
    return _dropped(scores.softmax(-1), rate) @ value


def _dropped(x: torch.Tensor, rate: float) -> torch.Tensor:
    """Dropout at the rate, which on a CPU is rounded to 1/65536; what stays is scaled to match.

    torch draws a Bernoulli variable an entry on a CPU, at several times the price of the four
    decisions that come out of one 64-bit integer here.
    """
    if not rate:
        return x
    if not _plain_cpu(x):
        return functional.dropout(x, rate)
    count = x.numel()
    bits = torch.empty(-(-count // _DECISIONS), dtype=torch.int64).random_(-(1 << 63), None)
    dropped = round(rate * _LEVELS)
    keep = bits.view(torch.int16)[:count] >= dropped - _LEVELS // 2
    scale = _LEVELS / (_LEVELS - dropped)
    return x * keep.view(x.shape).to(x.dtype).mul_(scale)


def _plain_cpu(x: torch.Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and not torch.compiler.is_compiling()
