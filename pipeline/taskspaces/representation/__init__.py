"""Of how many dimensions a model's hidden states are, beside d₉₀ (method §8)."""
