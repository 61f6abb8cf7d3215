"""A subspace as an ordinary optimizer, for plain loops and for `transformers.Trainer`."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any

import torch
from torch import nn

from pipeline.errors import UserError
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.parameters import FlatParameters


def _alone(gradient: torch.Tensor) -> None:
    """One process has nobody to share a gradient with."""


class SubspaceOptimizer(torch.optim.Optimizer):
    """Any optimizer over the d numbers of a subspace; its steps write the model's weights.

    Made last: after the model was loaded, cast, moved to its device and frozen in parts. Training
    then goes on as with any optimizer, since a step is pull back, move, materialize (A21 eq. 3):
    gradients may be accumulated over any number of backward passes, and schedulers see the usual
    ``param_groups``. ``state_dict`` holds the d numbers too, so that a resumed run goes on exactly.

    Loss scaling for float16 is refused by `torch.amp.GradScaler` ("no inf checks"): use bfloat16.

    Args:
        model: any module; what requires a gradient is moved, the rest stays as it is.
        d: how many numbers are trained.
        lr: the learning rate.
        optimizer: what moves the d numbers; one whose step needs no closure, so not LBFGS.
        seed: what the projection is drawn from.
        config: which subspace; None is SAID with blocked Fastfood.
        reduce: called with the gradient (d,) before each step; with `Ranks.sum` several processes
            train as one and exchange d numbers instead of D.
        **options: further options of ``optimizer``. Weight decay is 0 unless given, for every
            optimizer that has it: it would pull each λ towards 0, which is not where it started.

    Attributes:
        subspace: the subspace, which `save_task_vector` takes.

    Raises:
        UserError: the model or d does not allow such a subspace, or, at a step, the model was
            moved, cast, tied anew or given other weights after the optimizer was made.
    """

    def __init__(
        self,
        model: nn.Module,
        d: int,
        lr: float,
        *,
        optimizer: type[torch.optim.Optimizer] = torch.optim.AdamW,
        seed: int = 0,
        config: SubspaceConfig | None = None,
        reduce: Callable[[torch.Tensor], None] = _alone,
        **options: Any,
    ) -> None:
        self._flat = FlatParameters(model)
        self.subspace = Subspace(self._flat, config or SubspaceConfig(), d, seed)
        vector = self.subspace.vector
        if "weight_decay" in signature(optimizer).parameters:
            options.setdefault("weight_decay", 0.0)
        self._inner = optimizer([vector], lr=lr, **options)  # type: ignore[call-arg]
        self._reduce = reduce
        super().__init__([vector], self._inner.defaults)
        self._share()
        # Only a step shows the gradient, so that loss scaling cannot mistake an old one for new.
        self._gradient, vector.grad = vector.grad, None
        self._written = self._flat.fingerprint()

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Move the d numbers along their gradient and write the weights that belong to them."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        vector = self.subspace.vector
        assert self._gradient is not None
        vector.grad = self._gradient
        self._flat.collect()
        self._check_weights()
        self.subspace.pull_back()
        self._reduce(vector.grad)
        self._inner.step()
        vector.grad = None
        self._materialize()
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the model's gradient; its memory is kept whatever ``set_to_none`` says."""
        self._flat.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """The inner optimizer's state and class name, and the d numbers as ``vector``."""
        return {
            **self._inner.state_dict(),
            "optimizer": type(self._inner).__name__,
            "vector": self.subspace.vector.clone(),
        }

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave, with the weights that belong to it.

        Raises:
            UserError: the state is not that of a subspace with as many numbers and the same
                optimizer.
        """
        known = dict(state_dict)
        vector, target = known.pop("vector", None), self.subspace.vector
        if vector is None or vector.shape != target.shape:
            held = "no vector" if vector is None else f"{len(vector)} numbers"
            raise UserError(
                f"the optimizer's state holds {held}, but this subspace has {len(target)} numbers"
            )
        name, own = known.pop("optimizer", None), type(self._inner).__name__
        if name != own:
            raise UserError(
                f"the optimizer's state is that of {name}, but this subspace uses {own}"
            )
        self._inner.load_state_dict(known)
        self._share()
        target.copy_(vector)
        self._materialize()

    def _materialize(self) -> None:
        self.subspace.materialize()
        self._written = self._flat.fingerprint()

    def _check_weights(self) -> None:
        """Check that the model holds the weights that were written last: others would be lost."""
        if self._flat.fingerprint() != self._written:
            raise UserError(
                "the model's weights were changed after the SubspaceOptimizer was made or had "
                "made its last step, and this step would discard that: load weights first, and "
                "make the optimizer last"
            )

    def _share(self) -> None:
        """Let schedulers and the inner optimizer see the same groups and state."""
        self.param_groups, self.state = self._inner.param_groups, self._inner.state
