"""A cell is one checkpoint on one task: its full fine-tuning, and its search for d₉₀."""
