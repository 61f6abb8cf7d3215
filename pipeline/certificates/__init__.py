"""Certificates: what the size of a model's description proves of its risk (method §7)."""
