"""What can train a pretraining segment, one package a backend: the project's own loop, or fairseq."""
