"""Attacks on the product, by one command: ``python -m benchmarks.attack --help`` lists them."""
