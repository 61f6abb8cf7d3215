from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.nn import functional

from pipeline.training import onednn
from pipeline.training.onednn import feed_forward, linear, through_onednn

SHAPES = [(5, 8), (3, 7, 8), (2, 3, 4, 8)]


@pytest.fixture(params=[False, True], ids=["as here", "with AVX-512"])
def avx512(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Both ways on every machine that has oneDNN: what it can do is asked for, not needed."""
    if request.param:
        if not torch.backends.mkldnn.is_available():
            pytest.skip("this torch has no oneDNN")
        monkeypatch.setattr(onednn, "_has_avx512", lambda: True)
        monkeypatch.setattr(onednn, "_LEAST", 1)
    return request.param


def leaves(shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    sizes = (shape, (6, 8), (6,))
    made = [torch.randn(size, generator=generator, dtype=dtype) for size in sizes]
    return [one.requires_grad_() for one in made]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("biased", [False, True])
def test_values_and_gradients_are_those_of_torch(
    avx512: bool, shape: tuple[int, ...], biased: bool
) -> None:
    gradients, images = [], []
    for way in (functional.linear, linear):
        x, weight, bias = leaves(shape)
        image = way(x, weight, bias if biased else None)
        image.backward(torch.sin(image.detach()))
        images.append(image)
        gradients.append([one.grad for one in (x, weight, bias)[: 3 if biased else 2]])
    assert images[1].layout == torch.strided
    torch.testing.assert_close(images[1], images[0])
    torch.testing.assert_close(gradients[1], gradients[0])


def test_the_feed_forward_block_is_that_of_torch(avx512: bool) -> None:
    torch.manual_seed(0)
    widen, narrow = nn.Linear(8, 32), nn.Linear(32, 8)
    found = []
    for way in (
        lambda x: narrow(functional.gelu(widen(x))),
        lambda x: feed_forward(x, widen, narrow),
    ):
        x = leaves((3, 7, 8))[0]
        image = way(x)
        wanted = [x, *widen.parameters(), *narrow.parameters()]
        found.append([image, *torch.autograd.grad(image, wanted, torch.sin(image.detach()))])
    torch.testing.assert_close(found[1], found[0])


def test_transposed_inputs_are_taken_too(avx512: bool) -> None:
    x, weight, bias = leaves((5, 8))
    with torch.no_grad():
        turned = x.t().contiguous().t()
        torch.testing.assert_close(linear(turned, weight, bias), linear(x, weight, bias))


def test_other_dtypes_and_autocast_are_left_to_torch(avx512: bool) -> None:
    x, weight, bias = leaves((5, 8), torch.float64)
    assert torch.equal(linear(x, weight, bias), functional.linear(x, weight, bias))
    x, weight, bias = leaves((5, 8))
    with torch.autocast("cpu", torch.bfloat16):
        assert linear(x, weight, bias).dtype == torch.bfloat16


def test_a_model_stays_itself(avx512: bool) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 2)))
    x = torch.randn(3, 8)
    before, weights = model(x), dict(model.named_parameters())
    through_onednn(model)
    assert dict(model.named_parameters()) == weights
    torch.testing.assert_close(model(x), before)
    other = deepcopy(model)
    with torch.no_grad():
        other[0].weight.zero_()
    torch.testing.assert_close(model(x), before)


def test_layers_of_another_class_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onednn, "_has_avx512", lambda: True)

    class Own(nn.Linear):
        pass

    model = nn.Sequential(Own(2, 2), nn.Linear(2, 2))
    through_onednn(model)
    assert type(model[0]) is Own and type(model[1]) is onednn.Linear


@pytest.mark.parametrize(("device", "avx512"), [("meta", True), ("cpu", False)])
def test_where_there_is_no_faster_way_layers_stay_torchs(
    monkeypatch: pytest.MonkeyPatch, device: str, avx512: bool
) -> None:
    monkeypatch.setattr(onednn, "_has_avx512", lambda: avx512)
    model = nn.Sequential(nn.Linear(2, 2, device=device))
    through_onednn(model)
    assert type(model[0]) is nn.Linear
