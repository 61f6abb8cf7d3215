"""What can train a pretraining segment, a package a backend: the project's own loop, or fairseq."""
