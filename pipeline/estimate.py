"""What the current parameters will cost, from their numbers alone: nothing is run or loaded."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.cost import EncoderSize
from pipeline.dimension.grid import grid_values
from pipeline.dimension.search import BinarySearch
from pipeline.params import Params
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
# AdamW's moments; fairseq's own checkpoint has the weights once more.
_STATE_BYTES_PER_PARAMETER = {"native": 8, "fairseq": 12}
_WEIGHT_BYTES = 4


@dataclass(frozen=True)
class Estimate:
    """Stages, and tokens and FLOP by part; ``probes`` is the most that a search can take."""

    stages: int
    parameters: int
    probes: int
    tokens: dict[str, float]
    flop: dict[str, float]
    disk_bytes: float
    guessed: tuple[str, ...]

    def hours(self, flop_per_second: float) -> float:
        """Hours of arithmetic at a sustained rate."""
        return sum(self.flop.values()) / flop_per_second / 3600


def estimate(params: Params) -> Estimate:
    """Add up pretraining, full fine-tuning and searches; no probe is taken to stop early."""
    model, recipe = params.model, params.pretrain.recipe
    size = EncoderSize(
        model.layers, model.width, model.feed_forward, params.tokenizer.vocab_size, model.positions
    )
    parameters = size.classifier_parameters(2)
    layers = model.layers + 2 if params.subspace.method == "said" else 0
    search = BinarySearch(
        grid_values(params.said.grid, layers, parameters),
        1.0,
        params.said.learning_rates,
        params.said.seeds,
        params.said.exhaustive,
    )
    updates = max(params.pretrain.steps().values())
    tokens = {"pretraining": float(updates * recipe.batch * recipe.length)}
    flop = {
        "pretraining": tokens["pretraining"]
        * size.training_flop(recipe.length, recipe.mask_probability)
    }
    checkpoints = len(params.trajectory.checkpoints)
    runs = {"baseline": 0.0, "said": 0.0}
    flops = dict(runs)
    guessed = []
    for name, task in params.tasks.items():
        rows, known = _rows(task.data)
        if not known:
            guessed.append(name)
        epochs = {
            "baseline": task.finetune.epochs * len(task.finetune.learning_rates),
            "said": (params.said.epochs or task.finetune.epochs) * search.most_probes(),
        }
        length = task.data.max_length / 2
        for part, count in epochs.items():
            trained = checkpoints * count * rows[0] * length
            evaluated = checkpoints * count * rows[1] * length
            runs[part] += trained
            flops[part] += trained * size.training_flop(length)
            flops[part] += evaluated * size.evaluation_flop(length)
    made = len(params.pretrain.segments) + 1
    states = made if params.pretrain.keep_state == "all" else 1
    state_bytes = _STATE_BYTES_PER_PARAMETER[params.pretrain.backend]
    disk = parameters * (made * _WEIGHT_BYTES + states * state_bytes)
    cells = checkpoints * len(params.tasks)
    return Estimate(
        stages=2 + len(params.tasks) + made + 2 * cells + 2,
        parameters=parameters,
        probes=cells * search.most_probes(),
        tokens=tokens | runs,
        flop=flop | flops,
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
        "max_length; probes that stop at the target cost less."
    )
    if made.guessed:
        rows = " and ".join(f"{count:,}" for count in _GUESSED_ROWS)
        lines.append(f"Row counts of {', '.join(made.guessed)} are guesses ({rows}).")
    return "\n".join(lines)


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
