"""What the current parameters will cost, from their numbers alone: nothing is run or loaded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from pipeline.dimension.grid import grid_values
from pipeline.dimension.levers import EfficientConfig
from pipeline.dimension.protocols import PROTOCOLS, ProtocolName
from pipeline.dimension.question import Question
from pipeline.estimate.simulate import expected_probes
from pipeline.estimate.sizes import ModelSize, published_size
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.probes.config import SearchConfig
from pipeline.study.graph import graph_items
from pipeline.study.measured import MeasuredModel, measured_models
from pipeline.study.params import Params
from pipeline.tasks.config import TaskDataConfig
from pipeline.text.sources import RowSource
from pipeline.training.cost import EncoderSize

_GLUE, _YELP, _ANLI = "nyu-mll/glue", "fancyzhx/yelp_polarity", "facebook/anli"
# Rows of the paper's tasks on the hub by (id, name, split), method §4.
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
# Every part has its line, in the order of the pipeline.
_NOTHING = dict.fromkeys(("pretraining", "baseline", "search"), 0.0)


@dataclass(frozen=True)
class Estimate:
    """Stages, and tokens and FLOP by part; ``probes`` is the most that the searches can take.

    Of ``search`` ``tokens`` and ``flop`` are what is expected of the protocol, and
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
    guessed_sizes: int = 0

    def hours(self, flop_per_second: float) -> float:
        """Hours of arithmetic at a sustained rate."""
        return sum(self.flop.values()) / flop_per_second / 3600


@dataclass(frozen=True)
class _Sized:
    """A measured model with its size."""

    model: MeasuredModel
    size: ModelSize


@dataclass
class _Sum:
    """Tokens trained on and FLOP by part, and the most that searches can cost."""

    tokens: dict[str, float] = field(default_factory=lambda: defaultdict(float, _NOTHING))
    flop: dict[str, float] = field(default_factory=lambda: defaultdict(float, _NOTHING))

    def add(
        self, part: str, size: EncoderSize, length: float, trained: float, evaluated: float
    ) -> None:
        """Count rows of a length that are trained and evaluated on."""
        self.tokens[part] += trained * length
        self.flop[part] += length * (
            trained * size.training_flop(length) + evaluated * size.evaluation_flop(length)
        )


def estimate(params: Params) -> Estimate:
    """Add up pretraining, full fine-tuning, searches and sweeps."""
    groups = list(_groups(params))
    total, probes = _Sum(), 0
    if params.pretrains():
        recipe, size = params.pretrain.recipe, groups[0].size.encoder
        last = max(line.step for line in params.checkpoints.values())
        tokens = float(last * recipe.batch * recipe.length)
        total.tokens["pretraining"] = tokens
        total.flop["pretraining"] = tokens * size.training_flop(
            recipe.length, recipe.mask_probability
        )
    for group in groups:
        probes += _add_cells(params, group, total)
    probes += _add_sweeps(params, total)
    used = {name for group in groups for name in group.model.tasks}
    guessed = [name for name in params.tasks if name in used and not _rows_of(params, name)[1]]
    most = total.flop.pop("most", 0.0)
    total.tokens.pop("most", None)
    return Estimate(
        stages=_stages(params),
        parameters=max(group.size.parameters for group in groups),
        probes=probes,
        tokens=dict(total.tokens),
        flop=dict(total.flop),
        most_flop=most,
        disk_bytes=_disk(params, groups),
        guessed=tuple(guessed),
        guessed_sizes=sum(not group.size.known for group in groups),
    )


def _groups(params: Params) -> Iterator[_Sized]:
    """Every measured model with its size."""
    places, own = params.published(), _own_size(params)
    for model in measured_models(params):
        yield _Sized(model, published_size(places[model.name]) if model.name in places else own)


def _own_size(params: Params) -> ModelSize:
    """The size of the model that this project pretrains."""
    model = params.model
    size = EncoderSize(
        layers=model.layers,
        width=model.width,
        feed_forward=model.feed_forward,
        vocabulary=params.tokenizer.vocab_size,
        positions=model.positions,
    )
    return ModelSize(size, size.classifier_parameters(2))


def _add_cells(params: Params, group: _Sized, total: _Sum) -> int:
    """Add a model's full fine-tunings and searches; return the most probes these can take."""
    search, size = params.search, group.size.encoder
    layers = size.layers + 2 if params.subspace.method == "said" else 0
    grid = grid_values(search.grid, layers, group.size.parameters)
    question = Question(grid, 0.0, search.learning_rates, search.seeds)
    most = PROTOCOLS[search.protocol](question, search.efficient).search.most_probes()
    usual = search.seeds * _expected(search.protocol, search.efficient, grid, search.learning_rates)
    for name in group.model.tasks:
        task, rows = params.tasks[name], _rows_of(params, name)[0]
        length = task.data.max_length / 2
        epochs = task.finetune.epochs
        full = len(task.finetune.learning_rates) * epochs
        total.add("baseline", size, length, full * rows[0], full * rows[1])
        if name not in group.model.searched:
            continue
        evaluations = (search.epochs or epochs) * rows[1]
        for part, count in (("search", usual), ("most", most)):
            trained = _trained(search, task.finetune, rows[0])
            total.add(part, size, length, count * trained, count * evaluations)
    return len(group.model.searched) * most


@lru_cache(maxsize=8)
def _expected(
    protocol: ProtocolName,
    efficient: EfficientConfig,
    grid: tuple[int, ...],
    rates: tuple[float, ...],
) -> float:
    """Simulated once for all models of a size."""
    return expected_probes(protocol, efficient, grid, rates)


def _add_sweeps(params: Params, total: _Sum) -> int:
    """Add the sweeps, every probe of which is trained whole; return their number."""
    sweep, probes = params.sweep, params.sweep.probes
    runs = len(probes.values()) * len(probes.learning_rates) * probes.seeds * len(sweep.methods)
    for model in sweep.models:
        size = published_size(params.zoo.models[model]).encoder
        for name in sweep.tasks:
            task, rows = params.tasks[name], _rows_of(params, name)[0]
            seen = runs * (probes.epochs or task.finetune.epochs)
            total.add("sweep", size, task.data.max_length / 2, seen * rows[0], seen * rows[1])
    return len(sweep.models) * len(sweep.tasks) * runs


def _stages(params: Params) -> int:
    """The stages that DVC has: an item of the graph each, and three for each pretraining."""
    items = graph_items(params)
    once = len(("settings", "collect", "report"))
    return once + 2 * len(items["pretraining"]) + sum(map(len, items.values()))


def _disk(params: Params, groups: Sequence[_Sized]) -> float:
    """Bytes of checkpoints: weights, and the state that resuming needs."""
    weights = sum(float(group.size.parameters * _WEIGHT_BYTES) for group in groups)
    if not params.pretrains():
        return weights
    own = _own_size(params).parameters
    unmeasured = sum(not line.measured for line in params.checkpoints.values())
    states = len(params.checkpoints) if params.pretrain.keep_state == "all" else 1
    state_bytes = _STATE_BYTES_PER_PARAMETER[params.pretrain.backend]
    return weights + float(own * (unmeasured * _WEIGHT_BYTES + states * state_bytes))


def _rows_of(params: Params, task: str) -> tuple[tuple[int, int], bool]:
    return _rows(params.tasks[task].data)


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
        f"The searches are what simulated cells cost on average; at most {most:.3g} hours."
    )
    if made.guessed:
        rows = " and ".join(f"{count:,}" for count in _GUESSED_ROWS)
        lines.append(f"Row counts of {', '.join(made.guessed)} are guesses ({rows}).")
    if made.guessed_sizes:
        lines.append(f"{made.guessed_sizes} published models are taken for RoBERTa-Base, a guess.")
    return "\n".join(lines)


def _trained(search: SearchConfig, finetune: FinetuneConfig, rows: int) -> int:
    """Examples that a whole probe trains on."""
    whole = rows * (search.epochs or finetune.epochs)
    cap = search.efficient.max_steps if search.protocol == "efficient" else None
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
