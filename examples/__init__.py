"""Small programs that use the subspace engine as a library; each runs in seconds on a CPU."""
