"""fairseq without importing it: its checkpoints, its data files, and runs in its own environment."""
