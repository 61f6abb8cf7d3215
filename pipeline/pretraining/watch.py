"""Watching a segment: what is logged, what counts as a spike, and when training has failed."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

import torch

from pipeline.errors import UserError

_LOG = logging.getLogger(__name__)
_REPORT_SECONDS = 10.0
_DIVERGED = 2.0  # times the loss of guessing, ln(vocabulary)
_SPIKE_DEVIATIONS = 6.0
_SPIKE_UPDATES = 8  # fewer updates say nothing about how much the loss scatters


class Window:
    """Losses and gradient norms since the last row of the log; tensors until they are summed up."""

    def __init__(self) -> None:
        self._losses: list[torch.Tensor] = []
        self._norms: list[torch.Tensor] = []

    def add(self, loss: torch.Tensor, gradient: torch.Tensor) -> None:
        """Take in an update: its loss (nats) and its gradient."""
        self._losses.append(loss)
        self._norms.append(gradient.norm())

    def row(self, step: int, rate: float, before: dict[str, Any] | None) -> dict[str, Any]:
        """The log's row for the window, which then is empty.

        ``loss`` is the mean, ``loss_deviation`` the standard deviation, ``loss_max`` the highest
        and ``gradient_norm`` the highest of the updates. ``spike`` is true where ``loss_max`` lies
        more than six deviations above the mean of the row ``before``.
        """
        losses = torch.stack(self._losses).double()
        mean, deviation = float(losses.mean()), float(losses.std(correction=0))
        row = {
            "step": step,
            "loss": mean,
            "loss_deviation": deviation,
            "loss_max": float(losses.max()),
            "gradient_norm": float(torch.stack(self._norms).max()),
            "learning_rate": rate,
            "updates": len(losses),
        }
        row["spike"] = before is not None and _spike(row["loss_max"], before)
        self._losses.clear()
        self._norms.clear()
        return row


def _spike(highest: float, before: dict[str, Any]) -> bool:
    enough = before["updates"] >= _SPIKE_UPDATES
    bound = before["loss"] + _SPIKE_DEVIATIONS * before["loss_deviation"]
    return bool(enough and highest > bound)


def healthy(loss: float, step: int, guessing: float, kept: str) -> float:
    """Return the loss, unless it is so much worse than guessing that training has failed.

    Args:
        loss: nats.
        step: the update it is of.
        guessing: the loss of guessing, nats.
        kept: what is left to go on from, for the message.

    Raises:
        UserError: the loss is NaN, infinite or more than twice that of guessing.
    """
    if loss <= _DIVERGED * guessing:  # NaN is not
        return loss
    raise UserError(
        f"the pretraining loss is {loss:.4g} at update {step}: lower "
        f"pretrain.recipe.learning_rate or lengthen pretrain.recipe.warmup_steps (guessing gives "
        f"{guessing:.3g}); {kept}"
    )


class Progress:
    """Says how far a segment is, not more often than every ten seconds, and each spike.

    Args:
        first: the update it starts at.
        stop: the update it ends at.
        tokens: tokens of an update.
        flop: floating-point operations of a token, for the model's share of the machine.
        peak: matrix-product rate of the machine in FLOP/s; all processes together.
    """

    def __init__(self, first: int, stop: int, tokens: int, flop: float, peak: float) -> None:
        self._first, self._stop, self._tokens = first, stop, tokens
        self._share = flop / peak
        self._start = self._last = time.monotonic()

    def __call__(self, row: dict[str, Any]) -> None:
        """Report the log's newest row."""
        if row["spike"]:
            _LOG.warning(
                "update %d: the loss spiked to %.3f (mean %.3f, gradient norm %.3g)",
                row["step"], row["loss_max"], row["loss"], row["gradient_norm"],
            )  # fmt: skip
        now, done = time.monotonic(), row["step"]
        if now - self._last < _REPORT_SECONDS and done < self._stop:
            return
        self._last = now
        pace = (done - self._first) / (now - self._start)
        _LOG.info(
            "update %d of %d: loss %.3f, perplexity %.1f, gradient norm %.2g, %.0f tokens/s "
            "(MFU %.0f %%), %.0f s left",
            done, self._stop, row["loss"], math.exp(row["loss"]), row["gradient_norm"],
            pace * self._tokens, 100 * pace * self._tokens * self._share,
            (self._stop - done) / pace,
        )  # fmt: skip
