"""Objectives whose intrinsic dimension is known by construction, for DID through the real engine.

In both, θ ∈ R^D acts only through k numbers c = Aθ, where A (k, D) has orthonormal rows, and DID
reaches exactly the c in the range of AP. For a P that does not know A this is a uniformly random
subspace of R^k of min(d, k) dimensions: exactly so for Gaussian P, and Fastfood is to behave alike.
Of a fixed vector's squared length a share q ~ Beta(d/2, (k − d)/2) lies in it, and all from d = k.

Both losses are quadratic, so conjugate gradients reach the minimum to rounding in about k updates.
A first-order optimizer would need as many as the condition of AP says, which is worst at d = k: one
would measure when it was stopped, and not what the subspace holds.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property

import torch
from scipy.optimize import brentq
from scipy.stats import beta
from torch import nn

from pipeline.common.seeds import torch_generator
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.loop import train
from pipeline.training.parameters import FlatParameters

FRACTION = 0.9
# Where the gradient is this part of its first length the loss has no more to give.
_RELATIVE = 1e-11


class Weights(nn.Module):
    """Nothing but θ (D,), at 0: an objective is a function of it."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(size, dtype=torch.float64))


class Objective(ABC):
    """A loss and a score over θ. The best score, that of training without a subspace, is 1.

    Attributes:
        size: D.
        k: how many numbers of θ matter.
        rows: examples that the score is counted on, None where it is exact.
        chance: the score that takes no training.
    """

    size: int
    k: int
    rows: int | None
    chance: float

    @property
    @abstractmethod
    def truth(self) -> float:
        """The d at which the median over P of the score is 0.9."""

    @abstractmethod
    def loss(self, model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        """What is minimised, quadratic in θ; there are no batches to tell apart."""

    @abstractmethod
    def score(self, model: nn.Module) -> float:
        """What has to reach 0.9."""

    def probe(self, config: SubspaceConfig, d: int, seed: int) -> float:
        """The score at the loss's minimum in one random subspace."""
        model = Weights(self.size)
        subspace = Subspace(FlatParameters(model), config, d, seed)
        optimizer = ConjugateGradients(subspace.vector)
        batches = [torch.empty(0)]
        for _ in train(
            model, subspace, optimizer, lambda index: 0.0, lambda index: batches, self.loss,
            seed=0, start=0, stop=4 * min(d, self.k) + 1,
        ):  # fmt: skip
            if optimizer.converged:
                break
        optimizer.settle()
        subspace.materialize()
        with torch.no_grad():
            return self.score(model)


class Quadratic(Objective):
    """Li et al. 2018 §2: θ is dealt to k sets of equal size; the j-th has to sum to its target.

    The loss Σ_j (c_j − c*_j)², with c* = 100 · (1, …, k), is 0 on {θ: Aθ = c*}, of dimension
    D − k. From d = k it is solved exactly; below, a share 1 − q of |c*|² is left. The score is Li's
    exp(−loss): 1 or practically 0. So d₉₀ = k for every P alike, but for the chance, under 0.2 % at
    d = k − 1 for k ≤ 30, that c* all but lies in the range.

    Li et al. take runs of neighbouring coordinates for sets (``aligned``). That is harmless for a
    Gaussian P, but of Fastfood's last factor H, whole runs of 2^j rows add up to a row that is 0 in
    all but one of 2^j columns. Blocks with equal columns left then repeat each other, AP loses
    rank, and d₉₀ comes out above k: such an A is no stranger to P.
    """

    rows = None
    chance = 0.0

    def __init__(self, k: int, seed: int = 0, length: int = 8, aligned: bool = False) -> None:
        self.k, self.size = k, k * length
        self._length = length
        self._dealt = (
            torch.arange(self.size)
            if aligned
            else torch.randperm(self.size, generator=torch_generator(seed, "sets", k))
        )
        self._goal = 100 * torch.arange(1, k + 1, dtype=torch.float64)

    @property
    def truth(self) -> float:
        """K itself."""
        return float(self.k)

    def loss(self, model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        """The squared violation of the constraints; in its set a row of A is 1/√length."""
        dealt = model.theta[self._dealt].view(self.k, self._length)
        sums = dealt.sum(1) / math.sqrt(self._length)
        return (sums - self._goal).square().sum()

    def score(self, model: nn.Module) -> float:
        """Li et al.'s performance."""
        return math.exp(-float(self.loss(model, torch.empty(0))))


class Teacher(Objective):
    """A linear classifier whose teacher is the student plus a change in a random k-dim. family.

    The student is θ = 0, the teacher Aᵀv for a random unit vector v: a change planted in the span
    of A's k random rows. Inputs Aᵀz with z ~ N(0, 1)^k see of θ just c = Aθ; a label is sign(v·z).
    The squared error's expectation over inputs and labels is |c − √(2/π) v|² + 1 − 2/π, so its
    minimum in a subspace is v's projection, at an angle φ to v with cos² φ = q. That classifier is
    right with probability 1 − φ/π. So the median accuracy is 0.9 at the d where the median of
    Beta(d/2, (k − d)/2) is cos²(π/10) = 0.9045: that is d₉₀, a little below 0.9045 · k.

    As in a real cell the curve is smooth, P's seed matters, accuracy is counted on examples, and P
    has many blocks: A and v are the same for all P, so with two or three blocks of Fastfood the
    median over P would depend on them.
    """

    chance = 0.5

    def __init__(self, k: int, seed: int, rows: int = 1000) -> None:
        self.k, self.size, self.rows = k, 24 * k, rows
        random = torch_generator(seed, "teacher", k)

        def gaussian(*shape: int) -> torch.Tensor:
            return torch.randn(*shape, generator=random, dtype=torch.float64)

        self._a = torch.linalg.qr(gaussian(self.size, k))[0].T.contiguous()
        v = gaussian(k)
        self._goal = math.sqrt(2 / math.pi) * v / v.norm()
        self._z = gaussian(rows, k)
        self._labels = (self._z @ v).sign()

    @cached_property
    def truth(self) -> float:
        """See the class."""
        share = math.cos(math.pi * (1 - FRACTION)) ** 2
        found: float = brentq(
            lambda d: beta.median(d / 2, (self.k - d) / 2) - share, 1e-3, self.k - 1e-3
        )
        return found

    def loss(self, model: nn.Module, batch: torch.Tensor) -> torch.Tensor:
        """The expected squared error, but for its constant."""
        return (self._a @ model.theta - self._goal).square().sum()

    def score(self, model: nn.Module) -> float:
        """Accuracy on the evaluation examples."""
        right = (self._z @ (self._a @ model.theta)).sign() == self._labels
        return float(right.double().mean())


class ConjugateGradients(torch.optim.Optimizer):
    """Conjugate gradients for a quadratic from gradients alone: an update of the loop, a step.

    A quadratic's gradient is linear, so the one at a trial point along the direction p gives Hp,
    and with it the exact step. Between updates the vector is at the next trial point; `settle`
    leaves it at the best one found. ``converged`` once the gradient has all but vanished.
    """

    converged = False

    def __init__(self, vector: torch.Tensor) -> None:
        super().__init__([vector], {"lr": 0.0})
        self._vector = vector
        self._place = vector.detach().clone()
        self._gradient: torch.Tensor | None = None

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Take one step, and go to the next trial point; nothing more once converged."""
        if self.converged:
            return
        seen = self._vector.grad.clone()
        if self._gradient is None:
            self._gradient, self._direction = seen, -seen
            self._start = seen.norm()
        else:
            self._advance((seen - self._gradient) / self._reach)
        self.converged = bool(self._gradient.norm() <= _RELATIVE * self._start)
        # A trial about as far away as the place itself, so that rounding does not swallow Hp.
        length = self._direction.norm()
        self._reach = float((1 + self._place.norm()) / length) if length > 0 else 1.0
        self._vector.copy_(self._place + self._reach * self._direction)

    def _advance(self, moved: torch.Tensor) -> None:
        """The exact step along the direction p, and the next direction; ``moved`` is Hp."""
        before = self._gradient.square().sum()
        curvature = torch.dot(self._direction, moved)
        if curvature <= 0:
            return
        self._place += before / curvature * self._direction
        self._gradient = self._gradient + before / curvature * moved
        turn = self._gradient.square().sum() / before
        self._direction = turn * self._direction - self._gradient

    @torch.no_grad()
    def settle(self) -> None:
        """Put the vector at the best point."""
        self._vector.copy_(self._place)
