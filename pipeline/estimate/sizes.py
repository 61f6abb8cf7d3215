"""Sizes of published models, known without loading them: what an estimate needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from pipeline.common.artifacts import Json
from pipeline.published.place import Place
from pipeline.training.cost import EncoderSize


class ModelSize(NamedTuple):
    """What decides a model's cost, its parameters, and whether this is known or a guess."""

    encoder: EncoderSize
    parameters: int
    known: bool = True


def _size(
    layers: int, width: int, feed_forward: int, vocabulary: int, millions: float
) -> ModelSize:
    """An encoder's blocks and a decoder's count alike."""
    size = EncoderSize(layers, width, feed_forward, vocabulary, 512)
    return ModelSize(size, round(millions * 1e6))


_BASE, _LARGE = (12, 768, 3072), (24, 1024, 4096)
# The longest beginning of a repository's name that fits counts.
_KNOWN = {
    "bert-base": _size(*_BASE, 30522, 109.5), "bert-large": _size(*_LARGE, 30522, 335.1),
    "multiberts": _size(*_BASE, 30522, 109.5),
    "roberta-base": _size(*_BASE, 50265, 124.6), "roberta-large": _size(*_LARGE, 50265, 355.4),
    "xlm-roberta-base": _size(*_BASE, 250002, 278.0),
    "xlm-roberta-large": _size(*_LARGE, 250002, 559.9),
    "electra-base": _size(*_BASE, 30522, 109.5), "electra-large": _size(*_LARGE, 30522, 335.1),
    "albert-base": _size(*_BASE, 30000, 11.7), "albert-large": _size(*_LARGE, 30000, 17.7),
    "bart-base": _size(*_BASE, 50265, 140.0), "bart-large": _size(*_LARGE, 50265, 407.3),
    "t5-base": _size(24, 768, 3072, 32128, 223.5), "t5-large": _size(48, 1024, 4096, 32128, 738.7),
    "deberta-base": _size(*_BASE, 50265, 139.2),
    "deberta-v3-base": _size(*_BASE, 128100, 184.4),
    # Gated feed-forward layers have three matrices: 1.5 times their width stands for that.
    "modernbert-base": _size(22, 768, 1728, 50368, 149.6),
    "modernbert-large": _size(28, 1024, 3936, 50368, 395.8),
    "ettin-encoder-150m": _size(22, 768, 1728, 50368, 149.6),
    "ettin-decoder-150m": _size(22, 768, 1728, 50368, 149.6),
    "olmo-2-0425-1b": _size(16, 2048, 12288, 100352, 1279.4),
    "gpt2": _size(*_BASE, 50257, 124.4), "pythia-160m": _size(*_BASE, 50304, 123.7),
}  # fmt: skip
_NAMES = {
    "layers": ("num_hidden_layers", "n_layer", "encoder_layers", "num_layers", "n_layers"),
    "width": ("hidden_size", "n_embd", "d_model", "dim"),
    "feed_forward": ("intermediate_size", "n_inner", "encoder_ffn_dim", "d_ff", "hidden_dim"),
}


def published_size(place: Place) -> ModelSize:
    """A local model's size from its ``config.json``, a hub model's from a table.

    Neither needs the network; what is in none of them is taken for RoBERTa-Base, as a guess.
    """
    if place.source == "folder":
        try:
            config = json.loads((Path(place.id) / (place.folder or "") / "config.json").read_text())
            return _of_config(config)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return _KNOWN["roberta-base"]._replace(known=False)
    name = place.id.rpartition("/")[2].lower()
    fitting = [known for known in _KNOWN if name.startswith(known)]
    if not fitting:
        return _KNOWN["roberta-base"]._replace(known=False)
    return _KNOWN[max(fitting, key=len)]


def _of_config(config: Json) -> ModelSize:
    values: dict[str, int] = {}
    for key, names in _NAMES.items():
        found = [config[name] for name in names if isinstance(config.get(name), int)]
        if not found and key != "feed_forward":
            raise KeyError(key)
        values[key] = found[0] if found else 4 * values["width"]
    if config.get("is_encoder_decoder"):
        values["layers"] *= 2
    size = EncoderSize(**values, vocabulary=config["vocab_size"], positions=512)
    return ModelSize(size, size.classifier_parameters(2))
