"""The efficient protocol: what is known decides what is trained next, how long, and when to stop.

A search holds no state but the records: asked what is next, it walks the paper's halving of the
grid from the start (`Walk.halve`). A d that was not trained is taken to reach or miss where the
posterior is sure of it; the first one where it is not is trained. What the halving ends between is
trained too, so that the paper's number is known; then whatever narrows the interval most per token,
until it is as precise as asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipeline.common.status import SearchEnd
from pipeline.dimension.belief import TAILS, belief, knowledge
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.posterior import Posterior
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.stopping import StopRule
from pipeline.dimension.verdict import Verdict, conclude
from pipeline.dimension.walk import Walk


@dataclass(frozen=True)
class EfficientSearch:
    """Answers a question with the precision that is asked for."""

    question: Question
    config: EfficientConfig

    def next(self, records: Mapping[Probe, Record]) -> Probe | Verdict:
        """The probe to run next, or the verdict when the records suffice."""
        walk = Walk(self.question, records, belief(self.question, records.values()))
        halved = walk.halve()
        bracket = None if isinstance(halved, Probe) else halved
        if self.spent(records) >= self.config.budget:
            return conclude(self.question, records, SearchEnd.BUDGET, bracket)
        if isinstance(halved, Probe):
            return halved
        reported = knowledge(self.question, records.values(), self.question.noise)
        if (ended := self._suffices(reported, records)) is not None:
            return conclude(self.question, records, ended, bracket)
        # What is reported has to narrow, and no neighbour's answer is in that.
        telling = replace(walk, known=reported).most_telling()
        return telling or conclude(self.question, records, SearchEnd.SETTLED, bracket)

    def _suffices(self, reported: Posterior, records: Mapping[Probe, Record]) -> SearchEnd | None:
        """Whether what would be reported suffices, and how.

        A narrow interval that no training has reached in is not claimed (`Estimate.within`), and is
        not called precise.
        """
        low, high = 10 ** reported.quantiles(TAILS)
        if low > self.question.grid[-1] or high < self.question.grid[0]:
            return SearchEnd.BEYOND
        if high > self.config.precision * low:
            return None
        reached = any(record.reached(self.question.target) for record in records.values())
        return SearchEnd.PRECISION if reached else SearchEnd.SETTLED

    def spent(self, records: Mapping[Probe, Record]) -> float:
        """What was trained so far, in whole full fine-tunings."""
        evaluations = sum(len(record.curve) for record in records.values())
        return self.question.cost * evaluations / self.question.evaluations

    def rule(self, probe: Probe, records: Mapping[Probe, Record]) -> StopRule:
        """When a probe ends, given the records before it."""
        known = belief(self.question, records.values())
        place = self.question.rates.decades(probe.d, probe.learning_rate)
        return StopRule(self.question, known.expects(probe.d, place))
