"""The d₉₀ that A21 prints in its Table 1, to stand beside those that are measured."""

from __future__ import annotations

# By model and GLUE task, and by method.
_TABLE_1: dict[tuple[str, str], dict[str, int]] = {
    ("bert-base", "mrpc"): {"said": 1608, "did": 1861},
    ("bert-base", "qqp"): {"said": 8030, "did": 9295},
    ("bert-large", "mrpc"): {"said": 1037, "did": 2493},
    ("bert-large", "qqp"): {"said": 1200, "did": 1389},
    ("roberta-base", "mrpc"): {"said": 896, "did": 1000},
    ("roberta-base", "qqp"): {"said": 896, "did": 1389},
    ("roberta-large", "mrpc"): {"said": 207, "did": 322},
    ("roberta-large", "qqp"): {"said": 774, "did": 774},
}


def published(model_id: str, task_name: str, method: str) -> int | None:
    """d₉₀ of A21's Table 1; None where the paper has not measured this model on this task.

    Args:
        model_id: the model's id on the hub, such as ``google-bert/bert-base-uncased``.
        task_name: GLUE's name of the task, such as ``mrpc``.
        method: ``said`` or ``did``.
    """
    model = model_id.rpartition("/")[2].removesuffix("-cased").removesuffix("-uncased")
    return _TABLE_1.get((model, task_name), {}).get(method)
