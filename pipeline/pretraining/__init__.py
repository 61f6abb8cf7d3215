"""Masked-language-model pretraining of RoBERTa from scratch, checkpoint by checkpoint."""
