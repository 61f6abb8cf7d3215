from __future__ import annotations

import re
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.common.yaml_file import read_yaml
from pipeline.errors import UserError
from pipeline.study.reading import load_params
from pipeline.training.optimizers import AdamW

ROOT = Path(__file__).parents[2]
PRESETS = sorted((ROOT / "presets").glob("*.yaml"))


def write(path: Path, content: dict) -> Path:
    with open(path, "w") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)
    return path


# Tasks of the presets that have fewer than the paper's six.
FEWER = {"beyond": 2, "minilm": 2, "table1": 2, "zoo": 1}


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_is_valid(path: Path) -> None:
    assert len(load_params(path).tasks) == FEWER.get(path.stem, 6)


def test_the_laptop_preset_is_what_runs_after_a_clone() -> None:
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "presets/laptop.yaml").read_bytes()


def test_what_a_user_reads_first_is_short() -> None:
    """Bars of the file that users edit and of the graph that they read."""
    assert len((ROOT / "params.yaml").read_text().splitlines()) <= 90
    assert len((ROOT / "dvc.yaml").read_text().splitlines()) <= 200
    tasks = (ROOT / "params.yaml").read_text().split("\ntasks:\n")[1].split("\n\n")[0]
    blocks = re.split(r"^  \w+:$", tasks, flags=re.MULTILINE)[1:]
    assert len(blocks) == 6 and all(len(block.strip().splitlines()) < 8 for block in blocks)


def test_the_presets_of_the_paper_have_the_same_six_tasks() -> None:
    """They differ in how much of a task is used, not in what it is."""
    presets = [
        load_params(ROOT / f"presets/{name}.yaml") for name in ("paper", "one-gpu", "multiberts")
    ]
    tasks = [
        {
            name: replace(task.data, max_length=8, train_rows=None, eval_rows=None)
            for name, task in preset.tasks.items()
        }
        for preset in presets
    ]
    assert tasks[0] == tasks[1] == tasks[2]


def test_the_paper_preset_is_the_papers_recipe() -> None:
    paper = load_params(ROOT / "presets/paper.yaml")
    recipe = paper.pretrain.recipe
    assert (recipe.total_steps, recipe.batch, recipe.length) == (200_000, 1024, 512)
    assert (recipe.learning_rate, recipe.warmup_steps) == (3e-4, 10_000)
    assert recipe.optimizer == AdamW(betas=(0.9, 0.98), eps=1e-6, weight_decay=0.01)
    assert (paper.model.layers, paper.model.width, paper.model.heads) == (12, 768, 12)
    assert paper.tokenizer.vocab_size == 50265
    assert [line.step for line in paper.checkpoints.values()] == [10_000 * k for k in range(21)]
    assert (paper.search.grid.minimum, paper.search.grid.maximum) == (100, 4_000_000)
    assert (paper.search.fraction, paper.search.target, paper.search.margin) == (0.9, "fraction", 0)
    for name, task in paper.tasks.items():
        assert task.finetune.learning_rates == (1e-5, 2e-5, 3e-5)
        assert task.finetune.batch == (16 if name == "mrpc" else 32)
        assert (task.finetune.epochs, task.finetune.optimizer) == (10, AdamW(weight_decay=0.1))
        assert all(source.hub is not None for source in task.data.train)


MISTAKES = {
    "unknown key": (["model", "layrs"], 2, "params.model has the unknown key 'layrs': did you mean 'layers'?"),
    "unknown section": (["checkpoint"], {}, "params has the unknown key 'checkpoint': did you mean 'checkpoints'?"),
    "unknown default": (["finetune", "epoch"], 2, "finetune has the unknown key 'epoch': did you mean 'epochs'?"),
    "ill-typed": (["search", "fraction"], "most", "params.search.fraction must be a number, not 'most'"),
    "ill-typed line": (["checkpoints", "s200"], "soon", "params.checkpoints.s200 must be a mapping"),
    "name of digits": (["checkpoints", "500"], 500, "has the name '500'"),
    "shell in a name": (["tasks", "a;b"], None, "has the name 'a;b'"),
    "unknown predecessor": (
        ["checkpoints", "s800"], {"step": 800, "after": "s100"}, "after is 's100': did you mean 's800'?"),
    "backwards": (["checkpoints", "s800"], {"step": 100, "after": "s200"}, "step is 100, not after s200's 200"),
    "two starts": (["checkpoints", "other"], 0, "exactly one must be at 0"),
    "past the horizon": (["checkpoints", "s9000"], 9000, "the learning rate is 0"),
    "a late start": (["checkpoints", "s0"], 5, "exactly one must be at 0"),
    "a label of our own": (["checkpoints", "s800"], {"step": 800, "label": "4k"}, "only a suite's checkpoints"),
    "long blocks": (["pretrain", "recipe", "length"], 999, "length is 999, above model.positions"),
    "long sentences": (["corpus", "max_sentence_tokens"], 31, "leaves room for 30"),
    "no model section": (["model"], "absent", "params lacks the key 'model', which pretraining needs"),
    "no pretrain section": (["pretrain"], "absent", "params lacks the key 'pretrain'"),
    "no recipe": (["pretrain"], {"backend": "native"}, "params.pretrain lacks the key 'recipe'"),
    "a suite beside pretraining": (["trajectory"], {"suite": {"id": "a/b"}}, "trajectory.suite is for a published suite"),
    "no model": (["checkpoints"], {}, "no model is measured: name some in checkpoints or in zoo.models"),
    "no suite": (["trajectory"], {"source": "hub"}, "trajectory.suite must say where the checkpoints are"),
    "wrong tokens": (["trajectory"], {"tokens_per_update": 7}, "trajectory.tokens_per_update is for a published"),
    "epochs of pretraining": (["trajectory"], {"unit": "epochs"}, "pretraining counts updates"),
    "a sweep of nothing": (["sweep"], {"methods": ["did"]}, "a sweep needs models, tasks and methods"),
    "a sweep of an unknown model": (["sweep"], {"models": ["bert"]}, "sweep.models names 'bert'"),
    "a zoo of an unknown task": (["zoo"], {"tasks": ["paraphrse"]}, "did you mean 'paraphrase'?"),
    "a model named as a checkpoint": (
        ["zoo"], {"models": {"s0": {"id": "a/b"}}}, "zoo.models and checkpoints both have a 's0'"),
    "a model without an id": (["zoo"], {"models": {"bert": {}}}, "params.zoo.models.bert lacks the key 'id'"),
    "long rows": (["data", "max_length"], 999, ".data.max_length is 999, above"),
    "another baseline": (["baseline"], {"protocol": "papr"}, "params.baseline.protocol is 'papr', but must be one of"),
    "an odd gain": (["baseline"], {"gain": 2}, "params.baseline: gain is 2.0, but must be at least 0 and below 1"),
    "no runs": (["baseline"], {"runs": 0}, "params.baseline: runs is 0, but must be at least 1"),
    "a repeated search": (["search", "seeds"], 3, "params.search: seeds is 3, but the protocol efficient decides itself what"),
    "a perfect search": (["search", "efficient"], {"precision": 1}, "precision is 1.0, but must be above 1"),
    "a free search": (["search", "efficient"], {"budget": 0}, "budget is 0.0, but must be above 0 full fine-tunings"),
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
        load_params(write(tmp_path / "params.yaml", content))
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


SWEPT = {"methods": ["said"], "models": ["bert"], "tasks": ["paraphrase"]}
NO_ABSOLUTE = (
    "params.yaml: {section}.learning_rates are the same at every d, which only fits "
    "subspace.normalisation: reference, and it is {normalisation}: say {section}.rates, which are "
    "relative to full fine-tuning's and move with d (docs/normalisation.md)"
)
NO_RELATIVE = (
    "params.yaml: {section}.rates have no unit with subspace.normalisation: reference: say "
    "{section}.learning_rates, such as [1.0e-3, 5.0e-3, 1.0e-2, 3.0e-2]"
)


def rated(
    path: Path, normalisation: str, search: list[float] | None, sweep: list[float] | None
) -> Path:
    """The laptop's file with a sweep, and with absolute learning rates where they are given."""
    content = deepcopy(read_yaml(ROOT / "presets/laptop.yaml"))
    content["subspace"] = {**content.get("subspace", {}), "normalisation": normalisation}
    content["search"]["learning_rates"] = search
    content["zoo"] = {"models": {"bert": {"id": "a/b"}}, "tasks": ["paraphrase"]}
    content["sweep"] = {**SWEPT, "probes": {"learning_rates": sweep}}
    return write(path, content)


@pytest.mark.parametrize(
    ("normalisation", "search", "sweep", "section", "sentence"),
    [
        ("entry", [1e-2], None, "search", NO_ABSOLUTE),
        ("column", [1e-2], None, "search", NO_ABSOLUTE),
        ("entry", None, [1e-2], "sweep.probes", NO_ABSOLUTE),
        ("reference", None, [1e-2], "search", NO_RELATIVE),
        ("reference", [1e-2], None, "sweep.probes", NO_RELATIVE),
    ],
)
def test_absolute_rates_and_the_reference_belong_together(
    tmp_path: Path, normalisation: str, search: list | None, sweep: list | None,
    section: str, sentence: str,
) -> None:  # fmt: skip
    with pytest.raises(UserError) as caught:
        load_params(rated(tmp_path / "params.yaml", normalisation, search, sweep))
    assert str(caught.value) == sentence.format(section=section, normalisation=normalisation)


@pytest.mark.parametrize(("normalisation", "rates"), [("reference", [1e-2]), ("entry", None)])
def test_rates_that_fit_the_normalisation_are_read(
    tmp_path: Path, normalisation: str, rates: list[float] | None
) -> None:
    params = load_params(rated(tmp_path / "params.yaml", normalisation, rates, rates))
    expected = None if rates is None else tuple(rates)
    assert params.search.learning_rates == params.sweep.probes.learning_rates == expected


FAIRSEQ = {
    "compiled": ({"compile": True}, False, "which cannot compile: set pretrain.recipe.compile to false"),
    "in autocast": ({"precision": "bf16"}, False, "has no bf16 autocast: set pretrain.recipe.precision to bf16_weights"),
    "uneven": ({"micro_batch": 24}, False, "batch 32 to be a multiple of micro_batch 24"),
    "decaying in the warm-up": (
        {"schedule": "constant"}, True, "cannot decay on the way to s200 before the end of"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", FAIRSEQ)
def test_what_fairseq_cannot_do_is_one_sentence(tmp_path: Path, mistake: str) -> None:
    recipe, decay, sentence = FAIRSEQ[mistake]
    content = deepcopy(read_yaml(ROOT / "presets/laptop.yaml"))
    content["pretrain"]["backend"] = "fairseq"
    assert load_params(write(tmp_path / "params.yaml", content)).pretrain.backend == "fairseq"
    content["pretrain"]["recipe"] |= recipe
    content["checkpoints"]["s200"] = {"step": 100, "decay": decay}
    with pytest.raises(UserError, match=r"pretrain\.backend is fairseq") as caught:
        load_params(write(tmp_path / "params.yaml", content))
    assert sentence in str(caught.value)
    content["pretrain"]["backend"] = "native"
    load_params(write(tmp_path / "params.yaml", content))


def test_an_unknown_task_names_the_closest() -> None:
    with pytest.raises(UserError, match="did you mean 'paraphrase'"):
        load_params(ROOT / "presets/laptop.yaml").task("paraphrases")


def test_a_suite_needs_no_section_of_pretraining(tmp_path: Path) -> None:
    content = read_yaml(ROOT / "presets/multiberts.yaml")
    assert not {"tokenizer", "corpus", "model"} & set(content)
    suite = load_params(write(tmp_path / "params.yaml", content))
    assert suite.published()["s20k"].id == "google/multiberts-seed_0-step_20k"
    assert suite.tokens_per_step() == 131_072


SUITE_MISTAKES = {
    "an odd tokenizer": (["trajectory", "tokenizer"], "s20", "must be one of the checkpoints: did you mean 's20k'"),
    "tokens unknown": (["trajectory", "tokens_per_update"], None, "report.axis is tokens, so"),
    "one place": (["trajectory", "suite", "id"], "google/bert", "the same place"),
    "a revision of a folder": (["trajectory", "source"], "folder", "trajectory.suite: a revision is for models of the hub"),
    "a decay": (["checkpoints", "s20k"], {"step": 20000, "decay": True}, "s20k.decay is for pretraining"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", SUITE_MISTAKES)
def test_each_mistake_of_a_suite_is_one_sentence(tmp_path: Path, mistake: str) -> None:
    place, value, sentence = SUITE_MISTAKES[mistake]
    content = read_yaml(ROOT / "presets/multiberts.yaml")
    if mistake == "a revision of a folder":
        content["trajectory"]["suite"]["revision"] = "step{step}"
    section = content
    for key in place[:-1]:
        section = section[key]
    section[place[-1]] = value
    with pytest.raises(UserError) as caught:
        load_params(write(tmp_path / "params.yaml", content))
    assert sentence in str(caught.value) and "\n" not in str(caught.value)


def test_params_are_read_without_torch() -> None:
    """Half of the stages need no model: they do not wait for torch either."""
    light = ("corpus", "file", "report", "settings", "task", "tokenizer")
    modules = ", ".join(["sys", "pipeline.study.reading", *(f"stages.{name}" for name in light)])
    code = f"import {modules}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
