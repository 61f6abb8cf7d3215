"""What training costs: parameters and floating-point operations of an encoder, from its sizes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EncoderSize:
    """The numbers that decide an encoder's cost."""

    layers: int
    width: int
    feed_forward: int
    vocabulary: int
    positions: int

    def body_parameters(self) -> int:
        """Parameters of the transformer blocks: attention, feed-forward and two LayerNorms each."""
        attention = 4 * (self.width * self.width + self.width)
        feed_forward = 2 * self.width * self.feed_forward + self.feed_forward + self.width
        return self.layers * (attention + feed_forward + 4 * self.width)

    def embedding_parameters(self) -> int:
        """Word, position and token-type embeddings with their LayerNorm."""
        return (self.vocabulary + self.positions + 2 + 1 + 2) * self.width

    def classifier_parameters(self, labels: int) -> int:
        """D of the model with RoBERTa's classification head."""
        head = self.width * self.width + self.width + self.width * labels + labels
        return self.body_parameters() + self.embedding_parameters() + head

    def training_flop(self, length: float, masked_share: float = 0.0) -> float:
        """FLOP a token of one forward and backward pass at the given sequence length.

        6 for each weight of the blocks, 12·layers·width·length for attention's two products, and
        the language-model head on the masked share of the tokens: 601.5 MFLOP for RoBERTa-Base at
        512 tokens and 15 %.
        """
        weights = self.layers * (4 * self.width**2 + 2 * self.width * self.feed_forward)
        head = self.width * (self.width + self.vocabulary)
        attention = 12 * self.layers * self.width * length
        return 6 * weights + attention + 6 * masked_share * head

    def evaluation_flop(self, length: float) -> float:
        """FLOP a token of a forward pass, a third of training's."""
        return self.training_flop(length) / 3
