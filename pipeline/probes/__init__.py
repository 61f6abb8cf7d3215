"""Subspace trainings of a cell, and the search for d₉₀ that asks for them."""
