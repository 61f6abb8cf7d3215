"""What the current parameters will cost, from their numbers alone: nothing is run or loaded."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.cells.said import SaidConfig
from pipeline.cost import EncoderSize
from pipeline.dimension.grid import grid_values
from pipeline.dimension.protocols import PROTOCOLS
from pipeline.dimension.question import Question
from pipeline.finetuning import FinetuneConfig
from pipeline.params import Params
from pipeline.simulate import expected_probes
from pipeline.tasks.prepare import TaskDataConfig
from pipeline.text.sources import RowSource

_GLUE, _YELP, _ANLI = "nyu-mll/glue", "fancyzhx/yelp_polarity", "facebook/anli"
# Rows of the paper's tasks on the hub by (id, name, split), METHOD §4.
_HUB_ROWS = {
    (_GLUE, "mrpc", "train"): 3_668,
    (_GLUE, "mrpc", "validation"): 408,
    (_GLUE, "qqp", "train"): 363_846,
    (_GLUE, "qqp", "validation"): 40_430,
    (_GLUE, "sst2", "train"): 67_349,
    (_GLUE, "sst2", "validation"): 872,
    (_GLUE, "mnli", "train"): 392_702,
    (_GLUE, "mnli", "validation_matched"): 9_815,
    (_YELP, None, "train"): 560_000,
    (_YELP, None, "test"): 38_000,
    (_ANLI, None, "train_r1"): 16_946,
    (_ANLI, None, "train_r2"): 45_460,
    (_ANLI, None, "train_r3"): 100_459,
    (_ANLI, None, "dev_r1"): 1_000,
    (_ANLI, None, "dev_r2"): 1_000,
    (_ANLI, None, "dev_r3"): 1_200,
}
# Where neither the parameters nor the table above tell: said to be a guess in the output.
_GUESSED_ROWS = (10_000, 1_000)
_STATE_BYTES_PER_PARAMETER = 8
_WEIGHT_BYTES = 4


@dataclass(frozen=True)
class Estimate:
    """Stages, and tokens and FLOP by part; ``probes`` is the most that the searches can take.

    Of ``said``, the searches, ``tokens`` and ``flop`` are what is expected of the protocol, and
    ``most_flop`` is what they cost if no probe ends early and each takes all its probes.
    """

    stages: int
    parameters: int
    probes: int
    tokens: dict[str, float]
    flop: dict[str, float]
    most_flop: float
    disk_bytes: float
    guessed: tuple[str, ...]

    def hours(self, flop_per_second: float) -> float:
        """Hours of arithmetic at a sustained rate."""
        return sum(self.flop.values()) / flop_per_second / 3600


def estimate(params: Params) -> Estimate:
    """Add up pretraining, full fine-tuning and searches."""
    model, recipe = params.model, params.pretrain.recipe
    size = EncoderSize(
        model.layers, model.width, model.feed_forward, params.tokenizer.vocab_size, model.positions
    )
    parameters = size.classifier_parameters(2)
    layers = model.layers + 2 if params.subspace.method == "said" else 0
    said = params.said
    grid = grid_values(said.grid, layers, parameters)
    question = Question(grid, 0.0, said.learning_rates, said.seeds)
    most = PROTOCOLS[said.protocol](question, said.efficient).search.most_probes()
    usual = said.seeds * expected_probes(said.protocol, said.efficient, grid, said.learning_rates)
    updates = max(params.pretrain.steps().values())
    tokens = {"pretraining": float(updates * recipe.batch * recipe.length)}
    flop = {
        "pretraining": tokens["pretraining"]
        * size.training_flop(recipe.length, recipe.mask_probability)
    }
    checkpoints = len(params.trajectory.checkpoints)
    runs = {"baseline": 0.0, "said": 0.0}
    flops, most_flop = dict(runs), 0.0
    guessed = []
    for name, task in params.tasks.items():
        rows, known = _rows(task.data)
        if not known:
            guessed.append(name)
        length = task.data.max_length / 2
        probe = _trained(params.said, task.finetune, rows[0]), said.epochs or task.finetune.epochs
        whole = rows[0] * task.finetune.epochs, task.finetune.epochs
        full = len(task.finetune.learning_rates)
        for part, count, (seen, evaluations) in (
            ("baseline", full, whole), ("said", usual, probe), ("most", most, probe)
        ):  # fmt: skip
            trained = checkpoints * count * seen * length
            evaluated = checkpoints * count * evaluations * rows[1] * length
            cost = trained * size.training_flop(length) + evaluated * size.evaluation_flop(length)
            if part == "most":
                most_flop += cost
            else:
                runs[part] += trained
                flops[part] += cost
    made = len(params.pretrain.segments) + 1
    states = made if params.pretrain.keep_state == "all" else 1
    disk = parameters * (made * _WEIGHT_BYTES + states * _STATE_BYTES_PER_PARAMETER)
    cells = checkpoints * len(params.tasks)
    return Estimate(
        stages=2 + len(params.tasks) + made + checkpoints + 2 * cells + 2,
        parameters=parameters,
        probes=cells * most,
        tokens=tokens | runs,
        flop=flop | flops,
        most_flop=most_flop,
        disk_bytes=float(disk),
        guessed=tuple(guessed),
    )


def describe(made: Estimate, flop_per_second: float) -> str:
    """The estimate as a small table."""
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
        lines.append(f"{part:<14}{made.tokens[part]:>12.3g}{flop:>12.3g}{hours:>10.2f}")
    lines.append(
        f"{'all':<14}{'':>12}{sum(made.flop.values()):>12.3g}{made.hours(flop_per_second):>10.2f}"
    )
    lines.append("")
    lines.append(
        f"Hours are arithmetic at {flop_per_second:.3g} FLOP/s; rows are taken half as long as "
        "max_length."
    )
    most = made.most_flop / flop_per_second / 3600
    lines.append(
        f"The searches (said) are what simulated cells cost on average; at most {most:.3g} hours."
    )
    if made.guessed:
        rows = " and ".join(f"{count:,}" for count in _GUESSED_ROWS)
        lines.append(f"Row counts of {', '.join(made.guessed)} are guesses ({rows}).")
    return "\n".join(lines)


def _trained(said: SaidConfig, finetune: FinetuneConfig, rows: int) -> int:
    """Examples that a whole probe trains on."""
    whole = rows * (said.epochs or finetune.epochs)
    cap = said.efficient.max_steps if said.protocol == "efficient" else None
    return whole if cap is None else min(whole, cap * finetune.batch)


def _rows(config: TaskDataConfig) -> tuple[tuple[int, int], bool]:
    """Training and evaluation rows of a task, and whether they are known."""
    counts, known = [], True
    for split, guess in zip(("train", "eval"), _GUESSED_ROWS, strict=True):
        cap = getattr(config, f"{split}_rows")
        rows = [_source_rows(source) for source in getattr(config, split)]
        if None in rows:
            known = known and cap is not None
            counts.append(cap or guess)
        else:
            total = sum(row for row in rows if row is not None)
            counts.append(min(total, cap) if cap else total)
    return (counts[0], counts[1]), known


def _source_rows(source: RowSource) -> int | None:
    if source.synthetic is not None:
        return source.synthetic.rows
    if source.hub is not None:
        return _HUB_ROWS.get((source.hub.id, source.hub.name, source.hub.split))
    return None
