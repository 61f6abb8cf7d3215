"""fairseq without importing it: its checkpoints, its data, and runs in its own environment."""
