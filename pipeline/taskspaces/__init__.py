"""Task-specific subspaces (Z23): which directions a task's own fine-tuning goes (method §8)."""
