"""Training a model inside a random subspace of its parameters (A21 eqs. 1 to 3)."""
