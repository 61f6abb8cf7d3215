"""Results of a zoo and of a sweep as a real study would leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.common.status import SearchEnd
from pipeline.dimension.sweep_grid import SweepProbes
from pipeline.report.cell import MeasuredCell, SweepCell
from tests.report.conftest import full_result, search_result, trial, write_cell, write_search

PROBES = SweepProbes(learning_rates=(1e-3, 1e-2), seeds=2)
LABELS = {
    "bert_base": "BERT-Base", "bert_large": "BERT-Large", "roberta_base": "RoBERTa-Base",
    "roberta_large": "RoBERTa-Large", "t5_base": "T5-Base", "xlmr_base": "XLM-R-Base",
}  # fmt: skip
_SIZES = (109_483_778, 335_143_938, 124_647_170, 355_361_794, 222_903_552, 278_045_186)
_D90 = (1608, 1037, 896, 207, None, 2900)
SWEPT = ("bert_base", "roberta_base")
TASKS = ("mrpc", "qqp")
LAYERS = 14


def of_zoo(model: str, task: str) -> MeasuredCell:
    return MeasuredCell(model, LABELS[model], "zoo", task)


def write_zoo(root: Path) -> list[MeasuredCell]:
    """Full fine-tunings and searches of all models on MRPC; T5's falls short."""
    for model, size, d90 in zip(LABELS, _SIZES, _D90, strict=True):
        full = full_result(model, "mrpc", 0.88, 0.95, parameters=size, others={"f1": 0.9})
        status, reason = ("ok", "") if d90 else ("not_reached", "d = 4096 falls short")
        ends = {"d90_low": int(d90 * 0.7), "d90_high": int(d90 * 1.5)} if d90 else {}
        write_cell(root, full, search_result(full, d90, status, reason, **ends))
    return [of_zoo(model, "mrpc") for model in LABELS]


def write_sweeps(root: Path, metric: str = "accuracy") -> list[SweepCell]:
    """Sweeps by both methods: the metric rises over d towards full fine-tuning's."""
    cells = []
    for index, (model, task, method) in enumerate(
        (model, task, method) for model in SWEPT for task in TASKS for method in ("did", "said")
    ):
        layers = LAYERS if method == "said" else 0
        chance, top = (0.68, 0.87) if task == "mrpc" else (0.63, 0.9)
        name = metric if task == "mrpc" else "accuracy"
        full = full_result(model, task, top, 0.95, parameters=10**8, chance=chance, metric=name)
        full.write(root / "baseline" / model / task / "result.json")
        trials = _trials(index, layers, chance, top, 2.4 + 0.1 * index - 0.2 * (method == "said"))
        found = min((row["d"] for row in trials if row["reached"]), default=None)
        search = search_result(
            full, found, "ok" if found else "not_reached", method=method, layers=layers,
            d_min=trials[0]["d"], d_max=trials[-1]["d"], probes=len(trials), protocol="sweep",
            ended=SearchEnd.SETTLED,
        )  # fmt: skip
        write_search(root / "sweep" / model / task / method, search, trials)
        published = 1608 if index == 1 else None
        cells.append(SweepCell(of_zoo(model, task), method, PROBES.values(), published))
    return cells


def _trials(index: int, layers: int, chance: float, top: float, centre: float) -> list[dict]:
    generator = np.random.default_rng(index)
    rows = []
    for d in PROBES.possible(layers, 10**8):
        for seed in range(PROBES.seeds):
            for rate in PROBES.learning_rates:
                rise = 1 / (1 + np.exp(-4 * (np.log10(d) - centre)))
                part = rise * (1 if rate > 2e-3 else 0.6)
                noise = float(generator.normal(0, 0.008))
                metric = round(chance + (top - chance) * float(part) + noise, 4)
                reached = metric >= 0.9 * top
                rows.append(trial(d, metric, reached=reached, seed=seed, learning_rate=rate))
    return rows
