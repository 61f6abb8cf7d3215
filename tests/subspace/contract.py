"""What every projection owes, as functions that measure how far one is from it."""

from __future__ import annotations

import math
from itertools import pairwise

import torch

from pipeline.subspace.layers import Layers, LayerScales
from pipeline.subspace.projection import Projection
from pipeline.training.parameters import Span


def gaussian(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def apply(projection: Projection, theta: torch.Tensor) -> torch.Tensor:
    out = torch.full((projection.size,), math.nan, dtype=theta.dtype)
    projection.forward(theta, out)
    return out


def pull(projection: Projection, gradient: torch.Tensor) -> torch.Tensor:
    out = torch.full((projection.d,), math.nan, dtype=gradient.dtype)
    projection.adjoint(gradient, out)
    return out


def adjointness_error(projection: Projection) -> float:
    """|⟨Px, y⟩ − ⟨x, Pᵀy⟩| relative to |Px|·|y|."""
    x, y = gaussian(projection.d, seed=1), gaussian(projection.size, seed=2)
    image = apply(projection, x)
    difference = torch.dot(image, y) - torch.dot(x, pull(projection, y))
    return float(difference.abs() / (image.norm() * y.norm()))


def null_columns(projection: Projection) -> int:
    """Coordinates of θ^d that move nothing: none, unless θ^d is cropped."""
    return int((projection.dense().norm(dim=0) == 0).sum())


def leans_on_the_global_generator(projection: Projection) -> bool:
    """Whether the global generator changes the map, or the map the generator."""
    x = gaussian(projection.d)
    torch.manual_seed(1)
    first = apply(projection, x)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    second = apply(projection, x)
    pull(projection, second)
    return not (torch.equal(first, second) and torch.equal(state, torch.get_rng_state()))


def layer_error(projection: Projection, count: int) -> float:
    """Largest relative error of the weights and of the gradients of θ^d and λ against the dense matrix."""
    edges = [index * projection.size // count for index in range(count + 1)]
    spans = [Span(str(i), a, b) for i, (a, b) in enumerate(pairwise(edges))]
    x, y, scales = (
        gaussian(projection.d),
        gaussian(projection.size, seed=1),
        gaussian(count, seed=2),
    )
    matrix = projection.dense()
    weights = scales.repeat_interleave(torch.tensor(edges).diff())
    wanted = matrix.T @ (weights * y)
    products = y * (matrix @ x)
    moments = torch.stack([products[span.start : span.stop].sum() for span in spans])
    layers = Layers([[span] for span in spans])
    composed = LayerScales(scales, layers)
    origin, moved = gaussian(projection.size, seed=3), torch.empty_like(y)
    projection.displace(origin, x, composed, moved)
    displaced = origin + weights * (matrix @ x)
    by_theta, by_scale = projection.pull_back(y, x, composed)
    return max(
        float((moved - displaced).norm() / displaced.norm()),
        float((by_theta - wanted).norm() / wanted.norm()),
        float((by_scale - moments).norm() / moments.norm()),
    )


def rms_by_tensor(projection: Projection, lengths: list[int]) -> torch.Tensor:
    """Root mean square of Pθ in each tensor, relative to that of θ."""
    theta = gaussian(projection.d)
    image = apply(projection, theta).square().split(lengths)
    return torch.stack([part.mean() for part in image]).sqrt() / theta.square().mean().sqrt()
