"""What estimates add up: a measured model's sizes, and tokens and FLOP by part."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from pipeline.estimate.rows import SplitSize, TaskSize
from pipeline.estimate.sizes import ModelSize
from pipeline.study.measured import MeasuredModel
from pipeline.training.cost import EncoderSize

# Every part has its line, in the order of the pipeline; what goes beyond d₉₀ only where it is
# asked for.
_NOTHING = dict.fromkeys(("pretraining", "baseline", "search"), 0.0)


@dataclass(frozen=True)
class Sized:
    """A measured model with its size, and the sizes of its tasks as its tokenizer cuts them."""

    model: MeasuredModel
    size: ModelSize
    tasks: dict[str, TaskSize]


@dataclass
class Sum:
    """Tokens trained on and FLOP by part, and the most that searches can cost."""

    tokens: dict[str, float] = field(default_factory=lambda: defaultdict(float, _NOTHING))
    flop: dict[str, float] = field(default_factory=lambda: defaultdict(float, _NOTHING))

    def add(
        self,
        part: str,
        size: EncoderSize,
        task: TaskSize,
        epochs: float,
        *,
        share: float = 1.0,
        evaluations: int = 1,
    ) -> None:
        """Count epochs, each of which trains on a ``share`` of the rows and evaluates on all."""
        trained = epochs * share * task.train.tokens
        self.tokens[part] += trained
        self.flop[part] += trained * size.training_flop(task.train.length)
        self.look(part, size, task.eval, epochs * evaluations)

    def look(self, part: str, size: EncoderSize, split: SplitSize, times: float) -> None:
        """Count forward passes over a whole split."""
        self.tokens[part] += 0.0
        self.flop[part] += times * split.tokens * size.evaluation_flop(split.length)
