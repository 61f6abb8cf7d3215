"""Pretraining must teach what the tasks of the embedded world ask for, or no study can decide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
import torch
from transformers import RobertaForMaskedLM, RobertaTokenizerFast

from benchmarks.readout import readout, scene_accuracy
from pipeline.pretraining.init import init_checkpoint
from pipeline.pretraining.places import Places
from pipeline.pretraining.run import run_segment
from pipeline.study.reading import load_params
from pipeline.text.corpus import make_corpus
from pipeline.text.sources import SyntheticText, TextSource
from pipeline.text.tokenizer import make_tokenizer

LAPTOP = load_params(Path(__file__).parents[2] / "presets/laptop.yaml")
UPDATES = 400


def pretrained(folder: Path, stray: float) -> list[Path]:
    """Models of the laptop preset before its first update and after some."""
    sources = (TextSource(synthetic=SyntheticText(3000, stray)),)
    tokenizer, corpus = folder / "tokenizer", folder / "corpus"
    make_tokenizer(LAPTOP.tokenizer, sources, 0, tokenizer)
    make_corpus(replace(LAPTOP.corpus, sources=sources), tokenizer, 0, corpus)
    start, end = (
        Places(tokenizer, corpus, folder / name / "model", folder / name / "state", folder / "scratch")
        for name in ("start", "end")
    )  # fmt: skip
    recipe = LAPTOP.pretrain.recipe
    init_checkpoint(LAPTOP.model, 0, start, recipe.optimizer)
    run_segment(recipe, start, end, stop=UPDATES, seed=0, device=torch.device("cpu"))
    return [start.model, end.model]


@pytest.mark.parametrize(("stray", "teaches"), [(0.1, True), (1.0, False)])
def test_documents_of_one_scene_teach_the_scenes_and_mixed_ones_do_not(
    tmp_path: Path, stray: float, teaches: bool
) -> None:
    models = [RobertaForMaskedLM.from_pretrained(str(one)) for one in pretrained(tmp_path, stray)]
    tokenizer = RobertaTokenizerFast.from_pretrained(str(tmp_path / "tokenizer"))
    before, after = (scene_accuracy(model.eval(), tokenizer) for model in models)
    assert before < 0.25
    assert after > 0.6 if teaches else after < 0.25
    rises = [
        readout(models[1], tokenizer, kind, 400) - readout(models[0], tokenizer, kind, 400)
        for kind in ("polarity_short", "inference", "duplicate")
    ]
    assert fmean(rises) > 0.04 or not teaches
