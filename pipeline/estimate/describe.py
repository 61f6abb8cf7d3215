"""An estimate as text: the parts and their hours, and all that was assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.estimate.costs import Estimate
from pipeline.estimate.expected import FULL_EVALUATIONS, MEASURED
from pipeline.estimate.largest import Peak
from pipeline.estimate.rows import SplitSize
from pipeline.estimate.simulate import CELLS


def describe(made: Estimate, flop_per_second: float, said: str = "as was given") -> str:
    """The estimate as small tables, with what it rests on below.

    Args:
        made: the estimate.
        flop_per_second: the rate that hours are counted at.
        said: where that rate is from.
    """
    lines = [
        f"stages        {made.stages}",
        f"parameters    {made.parameters:,}",
        f"probes        at most {made.probes:,}",
        f"disk          {made.disk_bytes / 1e9:.2f} GB of checkpoints",
        "",
        f"{'part':<14}{'tokens':>12}{'FLOP':>12}{'hours':>10}",
    ]
    for part, flop in made.flop.items():
        hours = flop / flop_per_second / 3600
        lines.append(f"{part:<14}{made.tokens[part]:>12.3g}{flop:>12.3g}{_hours(hours):>10}")
    total, whole = sum(made.flop.values()), made.hours(flop_per_second)
    lines.append(f"{'all':<14}{'':>12}{total:>12.3g}{_hours(whole):>10}")
    assumed = _assumed(made, flop_per_second, said)
    return "\n".join([*lines, "", *_memory(made.memory), "", *assumed, "", *_rows(made)])


def _memory(peaks: Mapping[str, Peak]) -> Iterator[str]:
    """What the largest trainings hold at most."""
    parts = ("weights", "gradient", "optimizer", "activations")
    yield f"{'GB at most':<17}" + "".join(f"{part:>12}" for part in (*parts, "all"))
    for name, peak in peaks.items():
        held = [getattr(peak.held, part) for part in (*parts, "total")]
        figures = "".join(f"{bytes_ / 1e9:>12.2f}" for bytes_ in held)
        yield f"{name:<17}{figures}  {peak.model}, {peak.task}: {peak.batch} × {peak.length} tokens"


def _hours(hours: float) -> str:
    """Hours with two decimals, or two digits where that would be nothing."""
    return f"{hours:.2f}" if hours >= 1 or not hours else f"{hours:.2g}"


def _assumed(made: Estimate, flop_per_second: float, said: str) -> Iterator[str]:
    full, search = made.protocols
    most = made.most_flop / flop_per_second / 3600
    yield (
        f"Hours are arithmetic at {flop_per_second:.3g} FLOP/s, {said}, one stage at a time. Not "
        "counted: padding, the metric on training rows, once a training, and what "
        "finetune.recompute computes twice, a third of a training."
    )
    yield (
        "Memory is of a GPU, with rows as long as max_length, attention by fused kernels, and the "
        "process itself in `all`; on a CPU a probe holds two bytes a parameter more, for Fastfood."
    )
    trained = "every learning rate to its end"
    if full == "efficient":
        trained = MEASURED
    yield (
        f"Full fine-tuning ({full}) is {trained}, with {FULL_EVALUATIONS[full]} evaluations an "
        "epoch. A probe is taken to be evaluated on all of the rows below once an epoch: where it "
        "is four times, most of them see a sample."
    )
    yield (
        f"The searches ({search}) are what {CELLS} simulated cells cost on average, with MRPC's, "
        f"SST-2's or MNLI's evaluation set, whichever is nearest; at most {most:.3g} hours."
    )
    if made.guessed_sizes:
        yield f"{made.guessed_sizes} published models are taken for RoBERTa-Base, a guess."


def _rows(made: Estimate) -> Iterator[str]:
    """What was counted of each task, guesses marked."""
    yield f"{'task':<16}{'training rows':>15}{'tokens':>10}{'evaluation rows':>18}{'tokens':>10}"
    for name, size in made.sizes.items():
        (rows, length), (more, other) = map(_marked, size.splits)
        yield f"{name:<16}{rows:>15}{length:>10}{more:>18}{other:>10}"
    splits = [split for size in made.sizes.values() for split in size.splits]
    yield "Tokens are a row's on average."
    if not all(split.rows_known for split in splits):
        yield f"Row counts of {', '.join(made.guessed)} with a ? are guesses."
    if not all(split.length_known for split in splits):
        yield (
            "Lengths with a ? are guesses: half of max_length. They are counted once the tasks are "
            "prepared (python -m pipeline repro task)."
        )


def _marked(split: SplitSize) -> tuple[str, str]:
    """Rows and length, a question mark at each that is a guess."""
    doubts = ["" if known else "?" for known in (split.rows_known, split.length_known)]
    return f"{split.rows:,}{doubts[0]}", f"{split.length:.1f}{doubts[1]}"


def describe_precisions(made: Mapping[float, Estimate], flop_per_second: float) -> str:
    """What the searches are expected to cost, by the precision that is asked for."""
    lines = [f"{'precision':<14}{'hours of search':>16}{'hours in all':>14}"]
    for precision, one in made.items():
        search, total = one.flop["search"] / flop_per_second / 3600, one.hours(flop_per_second)
        lines.append(f"{precision:<14g}{search:>16.2f}{total:>14.2f}")
    return "\n".join(lines)
