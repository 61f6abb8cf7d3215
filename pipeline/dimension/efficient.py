"""The efficient protocol: the paper's answer from fewer and shorter probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.question import Question
from pipeline.dimension.record import Probe, Record
from pipeline.dimension.stopping import StopRule
from pipeline.dimension.verdict import Verdict
from pipeline.dimension.walk import EfficientWalk, replay


class EfficientSearch:
    """Answers a question with the levers that ``config`` leaves on."""

    def __init__(self, question: Question, config: EfficientConfig) -> None:
        # A lever that is off leaves out of the question what it would have used.
        near = question.near if config.neighbour else None
        slope = question.rate_slope if config.scale_rate else 0.0
        self._question = replace(question, near=near, rate_slope=slope)
        self._config = config

    def next(self, records: Mapping[Probe, Record]) -> Probe | Verdict:
        """The probe to run next, or the verdict when the records suffice."""
        return replay(EfficientWalk(self._question, self._config).walk(), records)

    def rule(self, probe: Probe, records: Mapping[Probe, Record]) -> StopRule:
        """When a probe ends, given the records before it."""
        rule = self._config.rule(self._question)
        if probe.d == self._question.grid[-1]:
            # A miss here is the verdict `not_reached`: only a better rate may end it early.
            rule = replace(rule, futility=False)
        rivals = self._rivals(probe, records)
        if not rivals or not self._config.race:
            return rule
        rival = max(rivals, key=lambda record: record.metric)
        slower = probe.learning_rate < rival.probe.learning_rate
        return replace(rule, rival=rival.curve, slower=slower)

    def _rivals(self, probe: Probe, records: Mapping[Probe, Record]) -> list[Record]:
        """The probe's other learning rates that missed, those that broke down left out."""
        target = self._question.target
        return [
            record
            for other, record in records.items()
            if (other.d, other.seed) == (probe.d, probe.seed)
            and other != probe
            and not record.failed(target)
            and not record.reached(target)
        ]

    def most_probes(self) -> int:
        """A bound on the number of probes: at every d that a walk can visit."""
        question = self._question
        visits = min(2 * len(question.grid).bit_length() + 1, len(question.grid))
        confirming = int(self._config.confirm and question.seeds == 1)
        return visits * (len(question.learning_rates) * question.seeds + confirming)
