"""Checkpoint ``s0``: the model before its first update."""

from __future__ import annotations

from pipeline.pretraining.checkpoints import save_model, save_state
from pipeline.pretraining.mlm import build_model
from pipeline.pretraining.packing import special_tokens
from pipeline.pretraining.places import Places
from pipeline.pretraining.recipe import ModelConfig
from pipeline.tokens.tokenizer import open_tokenizer
from pipeline.training.optimizer_state import OptimizerState
from pipeline.training.optimizers import Optimizer
from pipeline.training.parameters import FlatParameters


def init_checkpoint(config: ModelConfig, seed: int, places: Places, optimizer: Optimizer) -> None:
    """Write step 0: a model drawn from the seed, and an optimizer that has seen nothing."""
    tokenizer = open_tokenizer(places.tokenizer)
    model = build_model(config, len(tokenizer), special_tokens(tokenizer), seed)
    flat = FlatParameters(model)
    save_model(model, 0, places.tokenizer, places.model)
    save_state(OptimizerState.zeros(optimizer, flat.values), [], places.state)
