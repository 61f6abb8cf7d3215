"""The one training loop, and what it trains with: parameters, optimizers, devices, processes."""
