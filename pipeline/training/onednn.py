"""Linear layers on a CPU with AVX-512 through oneDNN, twice as fast there as through MKL.

torch multiplies float32 matrices with MKL, which on some makers' processors leaves AVX-512 unused;
oneDNN, which torch brings along too, uses it wherever it is. Where there is none both are equally
fast, and nothing changes; nor does it for small products.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import nn
from torch.nn import functional

# Multiplications from which the faster product makes up for copies and calls; 2^22 are even.
_LEAST = 1 << 23


def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """``x @ weight.T + bias``, for x (…, in) and weight (out, in), by whichever is faster."""
    if not _pays(x, weight):
        return functional.linear(x, weight, bias)
    return functional.linear(x.to_mkldnn(), weight, bias).to_dense()


def feed_forward(x: torch.Tensor, widen: nn.Linear, narrow: nn.Linear) -> torch.Tensor:
    """``narrow(gelu(widen(x)))``; what lies between stays in oneDNN's hands."""
    if not _pays(x, widen.weight):
        return narrow(functional.gelu(widen(x)))  # type: ignore[no-any-return]
    wide = functional.gelu(functional.linear(x.to_mkldnn(), widen.weight, widen.bias))
    return functional.linear(wide, narrow.weight, narrow.bias).to_dense()


class Linear(nn.Linear):
    """A linear layer that takes the faster way; nothing else about it differs."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """See `linear`."""
        return linear(input, self.weight, self.bias)


def through_onednn(model: nn.Module) -> None:
    """Let all linear layers of the model take the faster way, if its device has one.

    They stay the same objects.
    """
    if next(model.parameters()).device.type != "cpu" or not _has_avx512():
        return
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = Linear


def _pays(x: torch.Tensor, weight: torch.Tensor) -> bool:
    # First of all: what torch.compile reads of a shape becomes a guard on it.
    return (
        not torch.compiler.is_compiling()
        and x.device.type == "cpu"
        and x.dtype == torch.float32
        and x.numel() * len(weight) >= _LEAST
        and not torch.is_autocast_enabled("cpu")
        and _has_avx512()
    )


@lru_cache(maxsize=1)
def _has_avx512() -> bool:
    return torch.backends.mkldnn.is_available() and (
        torch.backends.cpu.get_cpu_capability() == "AVX512"
    )
