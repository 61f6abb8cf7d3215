from __future__ import annotations

import subprocess
import sys
from copy import deepcopy
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.common.config import read_yaml
from pipeline.errors import UserError
from pipeline.study import params
from pipeline.training.optimizers import AdamW

ROOT = Path(__file__).parents[2]
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))


def write(path: Path, content: dict) -> Path:
    with open(path, "w") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)
    return path


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_is_valid(path: Path) -> None:
    assert len(params.load(path).tasks) == {"table1": 2, "zoo": 1}.get(path.stem, 6)


def test_the_laptop_preset_is_what_runs_after_a_clone() -> None:
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "presets/laptop.yaml").read_bytes()


def test_the_paper_preset_is_the_papers_recipe() -> None:
    paper = params.load(ROOT / "presets/paper.yaml")
    recipe = paper.pretrain.recipe
    assert (recipe.total_steps, recipe.batch, recipe.length) == (200_000, 1024, 512)
    assert (recipe.learning_rate, recipe.warmup_steps) == (3e-4, 10_000)
    assert recipe.optimizer == AdamW(betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01)
    assert (paper.model.layers, paper.model.width, paper.model.heads) == (12, 768, 12)
    assert paper.tokenizer.vocab_size == 50265
    assert list(paper.trajectory.checkpoints.values()) == [10_000 * k for k in range(21)]
    assert (paper.said.grid.minimum, paper.said.grid.maximum) == (100, 4_000_000)
    assert (paper.said.fraction, paper.said.target, paper.said.margin) == (0.9, "fraction", 0)
    for name, task in paper.tasks.items():
        assert task.finetune.learning_rates == (1e-5, 2e-5, 3e-5)
        assert task.finetune.batch == (16 if name == "mrpc" else 32)
        assert (task.finetune.epochs, task.finetune.optimizer) == (10, AdamW(weight_decay=0.1))
        assert all(source.hub is not None for source in task.data.train)


MISTAKES = {
    "unknown key": (["model", "layrs"], 2, "params.model has the unknown key 'layrs': did you mean 'layers'?"),
    "ill-typed": (["said", "fraction"], "most", "params.said.fraction must be a number, not 'most'"),
    "name of digits": (["trajectory", "checkpoints", "500"], 500, "has the name '500'"),
    "shell in a name": (["tasks", "a;b"], None, "has the name 'a;b'"),
    "unknown predecessor": (
        ["pretrain", "segments", "s4000", "after"], "s100", "after is 's100': did you mean 's1000'?"),
    "backwards": (["pretrain", "segments", "s4000", "step"], 100, "step is 100, not after s1000's 1000"),
    "past the horizon": (["pretrain", "segments", "s4000", "step"], 9000, "the learning rate is 0"),
    "never made": (["trajectory", "checkpoints", "s9"], 9, "has s9: 9, but pretraining makes s0: 0"),
    "no neighbour": (["trajectory", "near"], {"s0": "baseline/s0"}, "'s1000' is in one of them only"),
    "start from nowhere": (
        ["trajectory", "near", "s1000"], "said/s10", "near.s1000 is 'said/s10': did you mean 'said/s0'?"),
    "start in a circle": (["trajectory", "near", "s0"], "said/s4000", "leads back to s0: one"),
    "long blocks": (["pretrain", "recipe", "length"], 999, "length is 999, above model.positions"),
    "long sentences": (["corpus", "max_sentence_tokens"], 31, "leaves room for 30"),
    "no model section": (["model"], "absent", "params lacks the key 'model', which pretraining needs"),
    "no start": (["pretrain", "start"], [], "so pretrain.start must be [s0]"),
    "a suite beside pretraining": (
        ["suite", "checkpoints"], {"s7": {"step": 7}}, "suite.checkpoints is not empty"),
    "pretraining beside a suite": (["trajectory", "source"], "hub", "set pretrain to {start: []"),
    "wrong tokens": (
        ["trajectory", "tokens_per_update"], 7, "counts updates of pretrain.recipe.batch × length = 2048"),
    "a sweep of nothing": (["sweep", "methods"], ["did"], "a sweep needs models, tasks and methods"),
    "a sweep of an unknown model": (["sweep", "models"], ["bert"], "sweep.models names 'bert'"),
    "a zoo of an unknown task": (["zoo", "tasks"], ["paraphrse"], "did you mean 'paraphrase'?"),
    "a model named as a checkpoint": (
        ["zoo", "models"], {"s0": {"id": "a/b"}}, "the trajectory both have a 's0'"),
    "a model without an id": (["zoo", "models"], {"bert": {}}, "params.zoo.models.bert lacks the key 'id'"),
    "long rows": (["tasks", "paraphrase", "data", "max_length"], 999, "max_length is 999, above"),
    "another backend": (["pretrain", "backend"], "fairsec", "params.pretrain.backend is 'fairsec', but must be one of"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_one_sentence(tmp_path: Path, mistake: str) -> None:
    place, value, sentence = MISTAKES[mistake]
    content = deepcopy(read_yaml(ROOT / "presets/laptop.yaml"))
    section = content
    for key in place[:-1]:
        section = section[key]
    if value == "absent":
        del section[place[-1]]
    else:
        section[place[-1]] = deepcopy(section["paraphrase"]) if value is None else value
    with pytest.raises(UserError) as caught:
        params.load(write(tmp_path / "params.yaml", content))
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


FAIRSEQ = {
    "compiled": ({"compile": True}, False, "which cannot compile: set pretrain.recipe.compile to false"),
    "in autocast": ({"precision": "bf16"}, False, "has no bf16 autocast: set pretrain.recipe.precision to bf16_weights"),
    "uneven": ({"micro_batch": 48}, False, "batch 64 to be a multiple of micro_batch 48"),
    "decaying in the warm-up": (
        {"schedule": "constant"}, True, "cannot decay in pretrain.segments.s1000 before the end of"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", FAIRSEQ)
def test_what_fairseq_cannot_do_is_one_sentence(tmp_path: Path, mistake: str) -> None:
    recipe, decay, sentence = FAIRSEQ[mistake]
    content = deepcopy(read_yaml(ROOT / "presets/laptop.yaml"))
    content["pretrain"]["backend"] = "fairseq"
    assert params.load(write(tmp_path / "params.yaml", content)).pretrain.backend == "fairseq"
    content["pretrain"]["recipe"] |= recipe
    content["pretrain"]["segments"]["s1000"]["decay"] = decay
    with pytest.raises(UserError, match=r"pretrain\.backend is fairseq") as caught:
        params.load(write(tmp_path / "params.yaml", content))
    assert sentence in str(caught.value)
    content["pretrain"]["backend"] = "native"
    params.load(write(tmp_path / "params.yaml", content))


def test_an_unknown_task_names_the_closest() -> None:
    with pytest.raises(UserError, match="did you mean 'paraphrase'"):
        params.load(ROOT / "presets/laptop.yaml").task("paraphrases")


def test_a_suite_needs_no_section_of_pretraining(tmp_path: Path) -> None:
    content = read_yaml(ROOT / "presets/multiberts.yaml")
    assert not {"tokenizer", "corpus", "model"} & set(content)
    suite = params.load(write(tmp_path / "params.yaml", content))
    place, step = suite.published("s20k")
    assert (place.id, step) == ("google/multiberts-seed_0-step_20k", 20_000)
    assert suite.tokens_per_step() == 131_072


SUITE_MISTAKES = {
    "never published": (["trajectory", "checkpoints", "s20k"], 20, "has s20k: 20, but suite.checkpoints has"),
    "an odd tokenizer": (["trajectory", "tokenizer"], "data/tokenizer", "such as checkpoints/s0k/model"),
    "tokens unknown": (["trajectory", "tokens_per_update"], None, "report.axis is tokens, so"),
    "one place": (["suite", "pattern", "id"], "google/bert", "gives s0k and s1000k the same place"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SUITE_MISTAKES)
def test_each_mistake_of_a_suite_is_one_sentence(tmp_path: Path, mistake: str) -> None:
    place, value, sentence = SUITE_MISTAKES[mistake]
    content = read_yaml(ROOT / "presets/multiberts.yaml")
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    with pytest.raises(UserError) as caught:
        params.load(write(tmp_path / "params.yaml", content))
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_params_are_read_without_torch() -> None:
    """Half of the stages need no model: they do not wait for torch either."""
    light = ("corpus", "near", "report", "task", "tokenizer")
    modules = ", ".join(["sys", "pipeline.study.params", *(f"stages.{name}" for name in light)])
    code = f"import {modules}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
