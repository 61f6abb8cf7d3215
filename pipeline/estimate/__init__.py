"""What a study will cost, from its parameters and from simulated searches."""
