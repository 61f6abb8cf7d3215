"""SAID as a method of PEFT: one vector for the whole model, not one adapter a layer.

Importing this module registers it, so that ``PeftModel.from_pretrained``, ``get_peft_model`` and
``merge_and_unload`` know it. PEFT finds methods by an enumeration that it closes
(docs/how-to/peft.md says what it lacks), so a member is added to that first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import peft
import torch
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import PeftType, register_peft_method
from torch import nn
from torch.func import functional_call

from pipeline.errors import UserError
from pipeline.subspace.config import SubspaceConfig
from pipeline.subspace.layers import HEAD, block_keys
from pipeline.subspace.reparameterisation import Subspace
from pipeline.training.parameters import Span, base_of, layout_hash, spans_of

_NAME = "SAID"
# Tasks whose head comes with the checkpoint: nobody draws it anew.
_NO_NEW_HEAD = ("CAUSAL_LM", "SEQ_2_SEQ_LM", "FEATURE_EXTRACTION")


def _add_type() -> None:
    """Add the method to `PeftType`: an Enum has no way of its own to be extended."""
    member = str.__new__(PeftType, _NAME)
    member._name_ = member._value_ = _NAME
    PeftType._member_names_.append(_NAME)
    PeftType._member_map_[_NAME] = PeftType._value2member_map_[_NAME] = member


@dataclass
class SaidConfig(peft.PeftConfig):
    """Which subspace of a model is trained.

    Attributes:
        d: how many numbers.
        seed: what the projection is drawn from.
        subspace: the keys of `SubspaceConfig` that are not its defaults; the head lies inside.
        layout: the `layout_hash` of the model that it was trained in; empty before.
        task: the task's name.
        checkpoint: the hash that says which θ₀ it belongs to.
        weights: the dtype of the model that it was trained in, where that is narrower than
            float32.
    """

    d: int = 1000
    seed: int = 0
    subspace: dict[str, Any] = field(default_factory=dict)
    layout: str = ""
    task: str = ""
    checkpoint: str = ""
    weights: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = PeftType(_NAME)


@dataclass
class _Moved:
    """The weights that a `Subspace` writes, beside the model's own; autograd has the gradient."""

    values: torch.Tensor
    grads: torch.Tensor
    spans: tuple[Span, ...]
    size: int
    base: str

    def zero_grad(self) -> None:
        self.grads.zero_()


class SaidLayer(nn.Module, BaseTunerLayer):
    """What PEFT sees of the adapter in the model: the d numbers, and a new head's first weights.

    A classifier's head is drawn anew by whoever opens the checkpoint. PEFT saves the whole trained
    head with other adapters; this one keeps the head that training started from. That of a language
    model comes with its checkpoint.
    """

    adapter_layer_names = ("said_theta",)
    other_param_names = ("said_head",)

    def __init__(self, model: nn.Module, config: SaidConfig, name: str) -> None:
        super().__init__()
        named = {key: item for key, item in model.named_parameters() if item.requires_grad}
        self.spans = spans_of(list(named.items()))
        _check(config, self.spans, next(iter(named.values())).dtype)
        # Outside of PyTorch's own attributes: these are the model's parameters, not the layer's.
        self._own = named
        self._config, self._base = config, base_of(model)
        self._head = [
            span.name
            for span, key in zip(self.spans, block_keys(self.spans), strict=True)
            if key == HEAD and config.task_type not in _NO_NEW_HEAD
        ]
        self.subspace = self._subspace()
        self.said_theta = nn.ParameterDict({name: nn.Parameter(self.subspace.vector.clone())})
        self.said_head = nn.ParameterDict()
        if self._head:
            head = torch.cat([named[key].detach().reshape(-1) for key in self._head])
            self.said_head[name] = nn.Parameter(head, requires_grad=False)
        self._disable_adapters = False
        self._active_adapter = self._name = name
        self.merged_adapters: list[str] = []
        self.register_load_state_dict_post_hook(_took)

    def _subspace(self) -> Subspace:
        config = SubspaceConfig(**self._config.subspace)
        # It may be made in a caller's inference mode, whose tensors no later training could write.
        with torch.inference_mode(False):
            origin = torch.cat([item.detach().reshape(-1) for item in self._own.values()])
            moved = _Moved(origin, origin[:0], self.spans, len(origin), self._base)
            return Subspace(moved, config, self._config.d, self._config.seed)

    @torch.no_grad()
    def take_head(self) -> None:
        """Start from the head that was loaded."""
        start = 0
        for name in self._head:
            own = self._own[name]
            loaded = self.said_head[self._name][start : start + own.numel()]
            own.copy_(loaded.view_as(own))
            start += own.numel()
        self.subspace = self._subspace()

    def weights(self) -> dict[str, torch.Tensor]:
        """The model's fine-tuned parameters by name, as a function of the d numbers."""
        theta = self.said_theta[self._name]
        if theta.device != self.subspace.vector.device:
            # The model was moved after the adapter came in.
            self.subspace = self._subspace()
        flat = _Materialised.apply(theta, self.subspace)
        # Split at once: backward then puts the gradients together once, not (D,) for each tensor.
        parts = flat.split([span.stop - span.start for span in self.spans])
        return {
            span.name: part.view_as(self._own[span.name])
            for span, part in zip(self.spans, parts, strict=True)
        }

    @contextmanager
    def inside_model(self) -> Iterator[None]:
        """For a while the model's own parameters hold the fine-tuned weights; no gradient flows."""
        with torch.no_grad():
            moved = self.weights()
        before = {name: self._own[name].data for name in moved}
        try:
            for name, weights in moved.items():
                self._own[name].data = weights
            yield
        finally:
            for name, weights in before.items():
                self._own[name].data = weights

    @torch.no_grad()
    def merge_into_model(self) -> None:
        """Write the fine-tuned weights into the model."""
        for name, moved in self.weights().items():
            self._own[name].copy_(moved)


def _took(layer: SaidLayer, _: Any) -> None:
    layer.take_head()


class _Materialised(torch.autograd.Function):
    """θ = θ₀ + λ·Pθ^d as a differentiable function of the d numbers."""

    @staticmethod
    def forward(ctx: Any, vector: torch.Tensor, subspace: Subspace) -> torch.Tensor:
        ctx.subspace = subspace
        ctx.save_for_backward(vector)
        subspace.vector.copy_(vector)
        subspace.materialize()
        # The next forward pass writes into the buffer while this one's graph may still need it.
        return subspace.weights.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        (vector,) = ctx.saved_tensors
        ctx.subspace.vector.copy_(vector)
        return ctx.subspace.gradient(gradients[0]), None


class SaidModel(BaseTuner):
    """The tuner: the model's forward pass with the weights that the d numbers stand for."""

    prefix = "said_"
    tuner_layer_cls = SaidLayer
    target_module_mapping: Mapping[str, list[str]] = {}
    uses_shared_state = True

    def inject_adapter(self, model: nn.Module, adapter_name: str, *_: Any, **__: Any) -> None:
        """Put the d numbers into the model, and freeze all else.

        Raises:
            UserError: the model has an adapter, or is not the one of the configuration.
        """
        if hasattr(model, "said"):
            raise UserError("the model has a SAID adapter: it takes one at a time")
        config = self.peft_config[adapter_name]
        layer = SaidLayer(model, config, adapter_name)
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        layer.said_theta.requires_grad_(not config.inference_mode)
        model.said = layer

    def forward(self, *arguments: Any, **named: Any) -> Any:
        """The model's own forward pass, with the adapter's weights unless it is disabled."""
        layer = self.model.said
        if layer.disable_adapters:
            return self.model(*arguments, **named)
        return functional_call(self.model, layer.weights(), arguments, named)

    def generate(self, *arguments: Any, **named: Any) -> Any:
        """The model's own generation, with the adapter's weights unless it is disabled.

        They are written once for all tokens.
        """
        layer = self.model.said
        with nullcontext() if layer.disable_adapters else layer.inside_model():
            return self.model.generate(*arguments, **named)

    def merge_and_unload(self, *_: Any, **__: Any) -> nn.Module:
        """The model itself with the fine-tuned weights, bit for bit those of the project."""
        self.model.said.merge_into_model()
        return self.unload()

    def unload(self) -> nn.Module:
        """The model without the adapter."""
        del self.model.said
        return self.model  # type: ignore[no-any-return]

    def _prepare_adapter_config(self, peft_config: Any, model_config: Any) -> Any:
        return peft_config

    def _create_and_replace(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError("SAID replaces no single layer")


def _check(config: SaidConfig, spans: tuple[Span, ...], dtype: torch.dtype) -> None:
    if config.layout and config.layout != layout_hash(spans):
        raise UserError(
            f"the adapter of {config.task!r} is for a model with other parameters than these "
            f"{len(spans)} tensors: open the checkpoint with the task's number of labels"
        )
    if config.weights and getattr(torch, config.weights) != dtype:
        raise UserError(
            f"the adapter of {config.task!r} belongs to weights in {config.weights}, but the "
            f"model's are in {str(dtype).removeprefix('torch.')}: open the checkpoint with "
            f"dtype=torch.{config.weights}"
        )


_add_type()
register_peft_method(name=_NAME.lower(), config_cls=SaidConfig, model_cls=SaidModel)
