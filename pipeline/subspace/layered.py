"""A subspace in each layer, everything outside the layers trained directly (Z23)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from pipeline.subspace.projection import Projection
from pipeline.training.parameters import FlatParameters, Span


@dataclass(frozen=True)
class LayerMap:
    """Where a layer moves: its parameters in order, and the map onto them laid end to end.

    ``projection`` is None for a layer that is frozen.
    """

    spans: Sequence[Span]
    projection: Projection | None

    def gathered(self, values: torch.Tensor) -> torch.Tensor:
        """The layer's entries of θ^D (D,), laid end to end (D_layer,), as a new tensor."""
        return torch.cat([values[span.start : span.stop] for span in self.spans])


class LayeredSubspace:
    """θ_layer = θ₀ + s·Pφ in each layer; the parameters outside all layers move themselves.

    One optimizer has one learning rate η for its one vector. The coordinates θ^t = s·φ are to have
    another one, η_t: under Adam a number moves by its rate whatever the size of its gradient, so
    φ moves by η, and with s = η_t/η θ^t by η_t.

    Attributes:
        vector: what the optimizer sees: φ of every layer in order, then the parameters outside.
        coordinates: how many φ there are.

    Args:
        flat: the model's parameters, at θ₀.
        maps: a map a layer.
        step: s.
        start: θ^t (coordinates,) before training; None for zeros, so that training starts at θ₀.
    """

    def __init__(
        self,
        flat: FlatParameters,
        maps: Sequence[LayerMap],
        step: float,
        start: torch.Tensor | None = None,
    ) -> None:
        self._flat, self._step = flat, step
        self._moved = [(one, one.projection) for one in maps if one.projection is not None]
        self.coordinates = sum(projection.d for _, projection in self._moved)
        self._origins = [one.gathered(flat.values) for one, _ in self._moved]
        self._outside = _outside(flat, maps)
        parameters = [flat.values[span.start : span.stop] for span in self._outside]
        first = torch.zeros(self.coordinates).to(flat.values)
        if start is not None:
            first += start.to(first) / step
        self.vector = torch.cat([first, *parameters])
        self.vector.grad = torch.zeros_like(self.vector)

    def displacements(self) -> list[torch.Tensor]:
        """s·Pφ of each moved layer, its parameters laid end to end."""
        images = []
        for (_, projection), phi in zip(self._moved, self._phi(self.vector), strict=True):
            image = torch.empty(projection.size, dtype=phi.dtype, device=phi.device)
            projection.forward(self._step * phi, image)
            images.append(image)
        return images

    def materialize(self) -> None:
        """Write the weights that belong to ``vector`` into the model."""
        values, moves = self._flat.values, self.displacements()
        for (layer, _), origin, move in zip(self._moved, self._origins, moves, strict=True):
            start = 0
            for span in layer.spans:
                stop = start + span.stop - span.start
                torch.add(origin[start:stop], move[start:stop], out=values[span.start : span.stop])
                start = stop
        start = self.coordinates
        for span in self._outside:
            stop = start + span.stop - span.start
            values[span.start : span.stop] = self.vector[start:stop]
            start = stop

    def accumulate(self) -> None:
        """Nothing to do: the gradient of a micro-batch is added where it lies."""

    def pull_back(self) -> None:
        """Turn the model's gradient g into the vector's: s·Pᵀg in each layer, g itself outside."""
        gradient, target = self._flat.grads, self.vector.grad
        assert target is not None
        for (layer, projection), phi in zip(self._moved, self._phi(target), strict=True):
            projection.adjoint(layer.gathered(gradient), phi)
            phi.mul_(self._step)
        outside = [gradient[span.start : span.stop] for span in self._outside]
        target[self.coordinates :] = torch.cat(outside) if outside else target[:0]

    def zero_grad(self) -> None:
        """Forget the gradient."""
        self._flat.zero_grad()

    def _phi(self, vector: torch.Tensor) -> list[torch.Tensor]:
        """The views of a vector that are each moved layer's coordinates."""
        sizes = [projection.d for _, projection in self._moved]
        return list(vector[: self.coordinates].split(sizes)) if sizes else []


def _outside(flat: FlatParameters, maps: Sequence[LayerMap]) -> list[Span]:
    """The parameters that are in no layer."""
    inside = {span.start for one in maps for span in one.spans}
    return [span for span in flat.spans if span.start not in inside]
