"""Why pretraining helps in the embedded world: what each checkpoint of a study knows of its scenes.

    python -m benchmarks.readout STUDY [--rows 600]

STUDY is the folder of a study whose pretraining has run. Prints Markdown, a row a checkpoint: how
often a masked word's scene is right (the scene whose words have most probability together, in
documents that were not trained on; chance is 1/8), and the held-out accuracy of a linear readout
of `<s>`, by ridge regression, for each kind of task. A kind that pretraining prepares has a
readout that rises (docs/world.md).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel, RobertaForMaskedLM, RobertaTokenizerFast

from pipeline.common.yaml_file import read_yaml
from pipeline.text.synthetic import documents, examples, label_names
from pipeline.text.synthetic.scenes import SCENES

KINDS = (
    "polarity_short", "inference", "duplicate", "adversarial", "polarity_long", "paraphrase",
)  # fmt: skip
_DOCUMENTS, _STRAY, _MASKED = 300, 0.1, 0.15
# Seeds of documents and examples that no study has.
_OTHER_SEED = 977
_LENGTH, _BATCH, _RIDGE = 96, 200, 10.0


def scene_accuracy(model: PreTrainedModel, tokenizer: RobertaTokenizerFast) -> float:
    """How often the likeliest scene of a masked word is the right one."""
    scene_of = torch.full((len(tokenizer),), -1)
    for index, scene in enumerate(SCENES):
        for word in (*scene.nouns, *scene.verbs, *scene.adjectives):
            pieces = tokenizer(f" {word}", add_special_tokens=False)["input_ids"]
            if len(pieces) == 1:
                scene_of[pieces[0]] = index
    texts = [" ".join(one) for one in documents(_OTHER_SEED, _DOCUMENTS, _STRAY)]
    encoded = tokenizer(
        texts, padding=True, truncation=True, max_length=_LENGTH, return_tensors="pt"
    )
    ids, generator = encoded["input_ids"], torch.Generator().manual_seed(0)
    chosen = (scene_of[ids] >= 0) & (torch.rand(ids.shape, generator=generator) < _MASKED)
    masked = torch.where(chosen, tokenizer.mask_token_id, ids)
    with torch.no_grad():
        logits = model(masked, attention_mask=encoded["attention_mask"]).logits[chosen]
    likely = torch.softmax(logits, -1)
    by_scene = [likely[:, scene_of == index].sum(1) for index in range(len(SCENES))]
    guessed = torch.stack(by_scene, 1).argmax(1)
    return float((guessed == scene_of[ids[chosen]]).double().mean())


def readout(model: PreTrainedModel, tokenizer: RobertaTokenizerFast, kind: str, rows: int) -> float:
    """Held-out accuracy of a ridge regression from `<s>` to the labels of a kind."""
    (x, y), (held_out, truth) = (
        _states(model, tokenizer, kind, split, rows) for split in ("train", "eval")
    )
    mean, sd = x.mean(0), x.std(0) + 1e-6
    x, held_out = (np.c_[(one - mean) / sd, np.ones(len(one))] for one in (x, held_out))
    wanted = np.eye(len(label_names(kind)))[y]
    weights = np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ wanted)
    return float(((held_out @ weights).argmax(1) == truth).mean())


def _states(
    model: PreTrainedModel, tokenizer: RobertaTokenizerFast, kind: str, split: str, rows: int
) -> tuple[np.ndarray, np.ndarray]:
    table = list(examples(kind, split, rows, _OTHER_SEED))
    labels = np.array([label_names(kind).index(str(row["label"])) for row in table])
    states = []
    for first in range(0, rows, _BATCH):
        part = table[first : first + _BATCH]
        seconds = [row["text_b"] for row in part]
        encoded = tokenizer(
            [row["text_a"] for row in part], None if seconds[0] is None else seconds,
            padding=True, truncation=True, max_length=_LENGTH, return_tensors="pt",
        )  # fmt: skip
        with torch.no_grad():
            hidden = model.base_model(
                encoded["input_ids"], attention_mask=encoded["attention_mask"]
            )
        states.append(hidden.last_hidden_state[:, 0].numpy())
    return np.concatenate(states), labels


def table(study: Path, names: Sequence[str], rows: int) -> list[str]:
    """Lines of Markdown, one a checkpoint."""
    tokenizer = RobertaTokenizerFast.from_pretrained(str(study / "data/tokenizer"))
    lines = [f"| checkpoint | scene | {' | '.join(KINDS)} |", "|---" * (len(KINDS) + 2) + "|"]
    for name in names:
        model = RobertaForMaskedLM.from_pretrained(str(study / "checkpoints" / name / "model"))
        model.eval()
        found = [scene_accuracy(model, tokenizer)]
        found += [readout(model, tokenizer, kind, rows) for kind in KINDS]
        lines.append(f"| {name} | " + " | ".join(f"{value:.3f}" for value in found) + " |")
    return lines


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--rows", type=int, default=600)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = [*read_yaml(arguments.study / "params.yaml")["checkpoints"]]
    print("\n".join(table(arguments.study, names, arguments.rows)))


if __name__ == "__main__":
    main()
