"""SAID in PEFT's method comparison."""
