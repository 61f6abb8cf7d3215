"""The levers of the efficient protocol, as params.yaml's ``efficient`` sets them."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.dimension.question import Question
from pipeline.dimension.stopping import StopRule


@dataclass(frozen=True)
class EfficientConfig:
    """The levers of the efficient protocol, each a switch (docs/search.md has their effects).

    Attributes:
        stop_at_target: end a probe once it has reached.
        confirm: ask more than one lucky epoch of a pass: a second epoch at the target, a clear
            margin, or a second seed that does not clearly miss.
        futility: end a probe whose curve cannot be expected to reach any more. Not at the largest
            d, on which the status `not_reached` rests: some curves stay flat before they rise.
        race: end a probe that falls behind another learning rate of its d that missed. Behind a
            larger learning rate it has half of the epochs to catch up, because it learns slower.
        neighbour: start from the neighbouring checkpoint's d₉₀, and further seeds from the first's.
        skip_rates: leave the other learning rates of a d once one has reached.
        carry_rate: try the rate first that was best where most is known of rates (`CarriedRate`),
            and for a miss only those on both sides of the best one; all of them at the largest d.
        scale_rate: the carried rate follows the power of d that the question names.
        eval_rows: any number: evaluate on a sample that grows to all examples as its metric nears
            the target; null for all examples at once.
        max_steps: a probe's updates are capped here. This changes what is measured, and every
            output says so.
    """

    stop_at_target: bool = True
    confirm: bool = True
    futility: bool = True
    race: bool = True
    neighbour: bool = True
    skip_rates: bool = True
    carry_rate: bool = True
    scale_rate: bool = True
    eval_rows: int | None = None
    max_steps: int | None = None

    def __post_init__(self) -> None:
        for key in ("eval_rows", "max_steps"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ValueError(f"{key} is {value}, but must be at least 1, or null")

    def rule(self, question: Question, target: float | None = None) -> StopRule:
        """When a probe ends that is to reach ``target``, by default the question's own."""
        return StopRule(
            question.target if target is None else target,
            question.target_error,
            question.epochs,
            question.idle(),
            self.stop_at_target,
            self.confirm,
            self.futility,
        )
