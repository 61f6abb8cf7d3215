"""How a training goes on from its evaluations so far."""
