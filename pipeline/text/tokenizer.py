"""The byte-level BPE vocabulary: trained on the corpus, or taken from the hub or a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.common.artifacts import atomic_directory
from pipeline.common.checked import Count, Name, Size, check_fields
from pipeline.common.links import check_links
from pipeline.common.manifest import TOKENIZER_MANIFEST, seal
from pipeline.errors import UserError
from pipeline.text.sources import TextSource
from pipeline.tokens.contract import check_for_pretraining
from pipeline.tokens.tokenizer import BOS, EOS, MASK, PAD, UNK, load_tokenizer, spaced

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

_FIRST = [BOS, PAD, EOS, UNK]
_SMALLEST = 256 + len(_FIRST) + 1


@dataclass(frozen=True)
class TokenizerConfig:
    """``train`` a vocabulary of ``vocab_size`` on the corpus's first ``documents`` documents.

    ``hub`` and ``folder`` take a ready one from ``id`` (at ``revision``) or from a local folder.
    """

    source: Literal["train", "hub", "folder"] = "train"
    vocab_size: Size = 50265
    documents: Count | None = None
    id: Name | None = None
    revision: Name | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if self.source == "train" and self.vocab_size < _SMALLEST:
            raise ValueError(
                f"vocab_size is {self.vocab_size}, but 256 bytes and 5 special tokens need "
                f"at least {_SMALLEST}"
            )
        if self.source != "train" and self.id is None:
            raise ValueError(f"id must say which tokenizer, because source is {self.source!r}")
        self._check_idle()

    def _check_idle(self) -> None:
        """Refuse what the source has no use for: it was meant, and would change nothing."""
        ready = self.id or self.revision
        if self.source == "train" and ready:
            raise ValueError(
                f"{'id' if self.id else 'revision'} is {ready!r}, but a tokenizer is trained here: "
                "say source: hub or source: folder to take a ready one"
            )
        if self.source == "folder" and self.revision:
            raise ValueError("a revision is for tokenizers of the hub: a local folder has none")
        if self.source != "train" and self.documents is not None:
            raise ValueError("documents is for tokenizers that are trained here: leave it out")


def make_tokenizer(
    config: TokenizerConfig, sources: tuple[TextSource, ...], seed: int, directory: Path
) -> int:
    """Write the tokenizer as a folder that ``AutoTokenizer.from_pretrained`` loads.

    Returns:
        The vocabulary's size; a small corpus may hold fewer merges than asked for.

    Raises:
        UserError: a tokenizer of the hub or a folder cannot be loaded or is not what pretraining
            needs, a link leads out of the folder, or what should be the hub's is a folder.
    """
    if config.source == "train":
        tokenizer = _train(config, sources, seed)
    else:
        assert config.id is not None
        _check_place(config.source, Path(config.id))
        tokenizer = load_tokenizer(config.id, config.revision)
    check_for_pretraining(tokenizer, f"tokenizer {config.id or 'trained here'!r}")
    with atomic_directory(directory) as folder:
        tokenizer.save_pretrained(folder)
        seal(folder, TOKENIZER_MANIFEST, leading_space=True)
    return len(tokenizer)


def _check_place(source: str, place: Path) -> None:
    if source == "folder":
        check_links(place)
    elif place.exists():
        # The library would read it, and a change in it would go unnoticed.
        raise UserError(
            f"tokenizer.id {str(place)!r} is a folder here: set tokenizer.source to folder, or "
            "give the hub's id"
        )


def _train(
    config: TokenizerConfig, sources: tuple[TextSource, ...], seed: int
) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=config.vocab_size - 1,
        special_tokens=_FIRST,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_lines(config, sources, seed), trainer)
    tokenizer.add_special_tokens([MASK])
    tokenizer.post_processor = processors.RobertaProcessing(
        (EOS, _FIRST.index(EOS)), (BOS, _FIRST.index(BOS)), add_prefix_space=False
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        sep_token=EOS,
        cls_token=BOS,
        unk_token=UNK,
        pad_token=PAD,
        mask_token=MASK,
    )


def _lines(config: TokenizerConfig, sources: tuple[TextSource, ...], seed: int) -> Iterator[str]:
    documents = (document for source in sources for document in source.documents(seed))
    for document in islice(documents, config.documents):
        yield from map(spaced, document)
