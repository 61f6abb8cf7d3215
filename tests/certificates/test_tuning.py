"""Training through levels: what the model holds is what a file can say, and gradients go both ways."""

from __future__ import annotations

import torch

from pipeline.certificates.code import decode, encode
from pipeline.certificates.tuning import QuantisedSubspace
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.parameters import FlatParameters

D, SEED = 24, 3
CONFIG = SubspaceConfig(method="did", projection="dense")


def flat() -> FlatParameters:
    torch.manual_seed(0)
    return FlatParameters(torch.nn.Sequential(torch.nn.Linear(6, 8), torch.nn.Linear(8, 3)))


def tuned(parameters: FlatParameters, levels: int = 3) -> QuantisedSubspace:
    trained = torch.randn(D, generator=torch.Generator().manual_seed(1))
    return QuantisedSubspace(Subspace(parameters, CONFIG, D, SEED), trained, levels)


def test_the_model_holds_the_weights_of_the_file() -> None:
    parameters, other = flat(), flat()
    one = tuned(parameters)
    one.materialize()
    subspace = Subspace(other, CONFIG, D, SEED)
    subspace.vector.copy_(decode(encode(one.quantised()), D).values())
    subspace.materialize()
    assert torch.equal(parameters.values, other.values)


def test_levels_that_crossed_or_met_are_still_a_file() -> None:
    one = tuned(flat())
    with torch.no_grad():
        one.vector[D:] = one.vector[D:].flip(0)
        one.vector[-1] = one.vector[-2]
    kept = one.quantised()
    assert (kept.codebook.diff() > 0).all()
    assert torch.equal(decode(encode(kept), D).values(), kept.values())
    one.materialize()


def test_a_gradient_reaches_the_number_and_its_level() -> None:
    parameters = flat()
    one = tuned(parameters)
    one.materialize()
    parameters.grads.copy_(torch.randn(parameters.size, generator=torch.Generator().manual_seed(2)))
    one.pull_back()
    gradient = one.vector.grad
    assert gradient is not None
    reference = Subspace(flat(), CONFIG, D, SEED)
    dense = torch.stack([_column(reference, place) for place in range(D)])
    parameters.grads.copy_(torch.randn(parameters.size, generator=torch.Generator().manual_seed(2)))
    torch.testing.assert_close(gradient[:D], dense @ parameters.grads)
    codes = one.quantised().codes
    for level in range(3):
        torch.testing.assert_close(gradient[D + level], gradient[:D][codes == level].sum())


def _column(subspace: Subspace, place: int) -> torch.Tensor:
    """How the weights move with one number."""
    values = subspace._flat.values
    with torch.no_grad():
        subspace.vector.zero_()
        subspace.materialize()
        start = values.clone()
        subspace.vector[place] = 1
        subspace.materialize()
    return values - start


def test_training_through_levels_lowers_a_loss() -> None:
    parameters = flat()
    goal = parameters.values.clone() + torch.randn(
        parameters.size, generator=torch.Generator().manual_seed(5)
    )
    one = tuned(parameters)
    optimizer = torch.optim.Adam([one.vector], lr=0.05)
    losses = []
    for _ in range(60):
        one.materialize()
        losses.append(float(((parameters.values - goal) ** 2).sum()))
        parameters.grads.copy_(2 * (parameters.values - goal))
        one.pull_back()
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]
