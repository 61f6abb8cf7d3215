from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from pipeline.common.config import parse
from pipeline.errors import UserError
from pipeline.finetuning.recipe import FinetuneConfig
from pipeline.pretraining.recipe import PretrainConfig
from pipeline.probes.config import SearchConfig
from pipeline.training.optimizer_state import OptimizerState
from pipeline.training.optimizers import SGD, AdamW, Optimizer, make_optimizer

ALL = [
    AdamW(weight_decay=0.1),
    SGD(weight_decay=0.1),
    SGD(weight_decay=0.0, nesterov=True),
    SGD(weight_decay=0.1, momentum=0.0),
]


@pytest.mark.parametrize("config", [AdamW(weight_decay=0.5), SGD(weight_decay=0.5)])
def test_every_entry_is_decayed(config: Optimizer) -> None:
    vector = torch.ones(3)
    vector.grad = torch.zeros(3)
    optimizer = make_optimizer(vector, config)
    optimizer.param_groups[0]["lr"] = 0.1
    optimizer.step()
    torch.testing.assert_close(vector, torch.full((3,), 0.95))


def test_adamw_is_torchs_fused_one_with_the_constants_of_its_section() -> None:
    optimizer = make_optimizer(torch.ones(3), AdamW(betas=(0.8, 0.9), eps=1e-3, weight_decay=0.2))
    group = optimizer.param_groups[0]
    assert isinstance(optimizer, torch.optim.AdamW) and group["fused"]
    assert (group["betas"], group["eps"], group["weight_decay"]) == ((0.8, 0.9), 1e-3, 0.2)


def test_sgd_adds_up_the_gradients_with_its_momentum() -> None:
    vector = torch.zeros(2)
    vector.grad = torch.ones(2)
    optimizer = make_optimizer(vector, SGD(momentum=0.5, weight_decay=0.0))
    optimizer.param_groups[0]["lr"] = 1.0
    for _ in range(3):
        optimizer.step()
    torch.testing.assert_close(vector, torch.full((2,), -(1 + 1.5 + 1.75)))


def steps(
    config: Optimizer, state: OptimizerState | None, vector: torch.Tensor, first: int, stop: int
) -> OptimizerState:
    optimizer = make_optimizer(vector, config)
    if state is not None:
        state.restore(optimizer, vector)
    optimizer.param_groups[0]["lr"] = 0.1
    for index in range(first, stop):
        vector.grad = torch.randn(9, generator=torch.Generator().manual_seed(index))
        optimizer.step()
    return OptimizerState.of(optimizer, vector, stop)


@pytest.mark.parametrize("config", ALL, ids=str)
def test_a_restored_state_goes_on_bit_for_bit(config: Optimizer) -> None:
    whole, parts = torch.ones(9), torch.ones(9)
    expected = steps(config, None, whole, 0, 6)
    zeros = OptimizerState.zeros(config, parts)
    assert tuple(zeros.vectors) == config.state_names()
    found = steps(config, steps(config, zeros, parts, 0, 2), parts, 2, 6)
    assert torch.equal(whole, parts)
    assert tuple(found.vectors) == tuple(expected.vectors) == config.state_names()
    for name, values in expected.vectors.items():
        assert torch.equal(values, found.vectors[name])


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (AdamW, {"betas": (0.9, 1.0)}),
        (AdamW, {"eps": 0.0}),
        (AdamW, {"weight_decay": -1.0}),
        (SGD, {"momentum": 1.0}),
        (SGD, {"nesterov": True, "momentum": 0.0}),
        (SGD, {"weight_decay": -1.0}),
    ],
)
def test_impossible_constants_are_refused(kind: type, wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        kind(**{"weight_decay": 0.0, **wrong})


def test_each_places_default_is_its_own() -> None:
    constants = {"betas": (0.9, 0.98), "eps": 1e-6}
    assert PretrainConfig().optimizer == AdamW(weight_decay=0.01, **constants)
    assert FinetuneConfig().optimizer == AdamW(weight_decay=0.1, **constants)
    said = parse(SearchConfig, {"grid": {"minimum": 1, "maximum": 4}}, "said")
    assert said.optimizer == AdamW(weight_decay=0.0, **constants)


def test_a_section_names_the_optimizer_and_must_say_its_decay() -> None:
    section = {"name": "sgd", "nesterov": True, "weight_decay": 0}
    made = parse(FinetuneConfig, {"optimizer": section}, "finetune")
    assert made.optimizer == SGD(momentum=0.9, nesterov=True, weight_decay=0.0)
    with pytest.raises(UserError, match=r"finetune.optimizer lacks the key 'weight_decay'"):
        parse(FinetuneConfig, {"optimizer": {"name": "adamw"}}, "finetune")
    with pytest.raises(UserError, match=r"optimizer.name is 'adam', .* did you mean 'adamw'\?"):
        parse(FinetuneConfig, {"optimizer": {"name": "adam"}}, "finetune")
    with pytest.raises(UserError, match=r"unknown key 'betas': valid keys are momentum"):
        parse(FinetuneConfig, {"optimizer": {**section, "betas": [0, 0]}}, "finetune")


def test_sections_are_read_without_torch() -> None:
    code = "import sys, pipeline.training.optimizers as o; o.SGD(weight_decay=0.0)"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules"], check=True)
