"""Whether the fused kernels compute what the composition on a CPU does, at every d and dtype."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch

from benchmarks.gpu_session.measuring import Emit
from benchmarks.gpu_session.work import Work
from pipeline.common.seeds import torch_generator
from pipeline.subspace.fastfood import Fastfood
from pipeline.subspace.layers import Layers, LayerScales
from pipeline.training.parameters import Span

_LAYERS = 14
_DTYPES = (torch.float32, torch.bfloat16, torch.float16)
# What counts as agreement: single precision through two transforms and sums over all of D.
_BOUND = 1e-4


def measure(work: Work, device: torch.device, emit: Emit) -> None:
    """For each d, and each dtype of the weights, how far device and reference are apart.

    The reference is in double precision on the CPU. ``move`` is the largest error of θ over the
    largest entry of θ − θ₀, ``gradient`` and ``scales`` the norms of the errors of Pᵀ(λ·g) and of
    λ's gradient over their own. In narrow dtypes θ is rounded, and ``rounded alike`` is the share
    of weights that are the reference's, rounded. ``same again``: a second call gave the same bits.
    """
    size = work.size().classifier_parameters(2)
    edges = [index * size // _LAYERS for index in range(_LAYERS + 1)]
    layers = Layers([[Span(str(i), *ends)] for i, ends in enumerate(pairwise(edges))])
    generator = torch_generator(0, "kernels")
    # Every dtype holds these exactly, so all start from the same numbers.
    origin = torch.randint(-128, 129, (size,), generator=generator) / 4096
    gradient = torch.randint(-64, 65, (size,), generator=generator) / 64
    scales = 1 + 0.1 * torch.randn(_LAYERS, generator=generator)
    for d in work.dims:
        inputs = _Inputs(0.01 * torch.randn(d, generator=generator), scales, layers)
        wanted = inputs.to(torch.device("cpu"), torch.float64).run(origin.double(), gradient)
        on_device = inputs.to(device, torch.float32)
        for dtype in _DTYPES:
            weights = origin.to(device, dtype), gradient.to(device, dtype)
            found, again = (on_device.run(*weights) for _ in range(2))
            figures = dict(_compared(found, wanted, origin))
            agree = figures["gradient"] < _BOUND and figures["scales"] < _BOUND
            agree = agree and figures.get("move", 0.0) < _BOUND
            emit(
                {
                    "case": f"d = {d:,}, {str(dtype).removeprefix('torch.')}",
                    **figures,
                    "agree": "yes" if agree else "NO",
                    "same again": "yes" if all(map(torch.equal, found, again)) else "NO",
                }
            )


# θ, Pᵀ(λ·g) and the gradient of λ.
_Result = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class _Inputs:
    """θ^d (d,) and λ (m,) with their layers."""

    theta: torch.Tensor
    scales: torch.Tensor
    layers: Layers

    def to(self, device: torch.device, dtype: torch.dtype) -> _Inputs:
        return _Inputs(self.theta.to(device, dtype), self.scales.to(device, dtype), self.layers)

    def run(self, origin: torch.Tensor, gradient: torch.Tensor) -> _Result:
        """Both passes of a projection that is made for it, so that nothing is kept between."""
        projection = Fastfood(len(self.theta), len(origin), seed=0, normalisation="entry")
        scales = LayerScales(self.scales, self.layers)
        moved = torch.empty_like(origin)
        projection.displace(origin, self.theta, scales, moved)
        return moved, *projection.pull_back(gradient, self.theta, scales)


def _compared(found: _Result, wanted: _Result, origin: torch.Tensor) -> Iterator[tuple[str, float]]:
    """The figures of a row, by name."""
    moved = found[0].cpu()
    if moved.dtype == torch.float32:
        largest = (wanted[0] - origin).abs().max()
        yield "move", float((moved - wanted[0]).abs().max() / largest)
    else:
        yield "rounded alike", float((moved == wanted[0].to(moved.dtype)).double().mean())
    for name, one, other in zip(("gradient", "scales"), found[1:], wanted[1:], strict=True):
        yield name, float((one.cpu() - other).norm() / other.norm())
