from __future__ import annotations

from typing import Any

from pipeline.dimension.binomial import binomial_error
from pipeline.common.status import Status
from pipeline.finetuning.full import measure_baseline
from pipeline.finetuning.result import Cost, FullResult


def measure_full(*arguments: Any) -> FullResult:
    """`measure_baseline`'s result as what searches read, as long as it still is a dict."""
    made = measure_baseline(*arguments)
    if isinstance(made, FullResult):
        return made
    chance, rows = made["majority"], len(arguments[0].data.eval)
    return FullResult(
        model=made["checkpoint"], task=made["task"], step=made["step"], metric=made["metric"],
        chance=chance, chance_error=binomial_error(chance, rows), status=Status(made["status"]),
        reason=made["reason"], parameters=made["parameters"], cost=Cost(**made["cost"]),
        inputs=made["inputs"], learning_rate=made["learning_rate"], best_epoch=made["best_epoch"],
        full_metric=made["full_metric"], train_metric=made["acc_train"], answers=made["correct"],
    )  # fmt: skip
