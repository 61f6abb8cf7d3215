"""Tables of a zoo and of a sweep as a real study would leave them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.common.artifacts import write_json, write_jsonl
from pipeline.dimension.sweep_grid import SweepProbes
from pipeline.report.zoo_tables import SweepCell
from tests.report.conftest import baseline, said, write_cell

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


def write_zoo_cells(root: Path) -> None:
    """Full fine-tunings and searches of all models on MRPC; T5's falls short."""
    for model, size, d90 in zip(LABELS, _SIZES, _D90, strict=True):
        full = {**baseline("s0", "mrpc", 0.88, 0.95), "checkpoint": model, "parameters": size}
        status = "ok" if d90 else "not_reached"
        search = said(full, d90, status, "" if d90 else "d = 4096 falls short")
        write_cell(
            root,
            full,
            {**search, "d90_low": d90 and int(d90 * 0.7), "d90_high": d90 and int(d90 * 1.5)},
        )


def write_sweeps(root: Path) -> list[SweepCell]:
    """Sweeps by both methods: accuracy rises over d towards full fine-tuning's."""
    cells = []
    for index, (model, task, method) in enumerate(
        (model, task, method) for model in SWEPT for task in TASKS for method in ("did", "said")
    ):
        layers = LAYERS if method == "said" else 0
        majority, full = (0.68, 0.87) if task == "mrpc" else (0.63, 0.9)
        write_json(
            root / "baseline" / model / task / "result.json",
            {"parameters": 10**8, "full_metric": full},
        )
        centre = 2.4 + 0.1 * index - 0.2 * (method == "said")
        rows = []
        generator = np.random.default_rng(index)
        for d in PROBES.possible(layers, 10**8):
            for seed in range(PROBES.seeds):
                for rate in PROBES.learning_rates:
                    rise = 1 / (1 + np.exp(-4 * (np.log10(d) - centre)))
                    noise = generator.normal(0, 0.008)
                    metric = round(
                        majority + (full - majority) * rise * (1 if rate > 2e-3 else 0.6) + noise, 4
                    )
                    rows.append(
                        {
                            "d": d,
                            "seed": seed,
                            "learning_rate": rate,
                            "status": "missed",
                            "metric": metric,
                            "best_epoch": 1,
                            "epochs_run": 2,
                            "acc_train": 0.9,
                            "tokens": 10,
                            "flop": 1e9,
                        }
                    )
        target = 0.9 * full
        found = min((row["d"] for row in rows if row["metric"] >= target), default=None)
        result = {
            "status": "ok" if found else "not_reached", "reason": "", "d90": found,
            "d90_low": found and found - 1, "d90_high": found and found + 5, "lower": found and found - 1,
            "d_min": rows[0]["d"], "d_max": rows[-1]["d"], "target": target, "full_metric": full,
            "majority": majority, "layers": layers, "probes": len(rows),
        }  # fmt: skip
        folder = root / "sweep" / model / task / method
        write_json(folder / "result.json", result)
        write_jsonl(folder / "trials.jsonl", rows)
        cells.append(SweepCell(model, LABELS[model], task, method, 1608 if index == 1 else None))
    return cells
