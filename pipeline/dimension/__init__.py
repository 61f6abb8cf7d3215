"""The intrinsic dimension d₉₀ as a pure decision over the records of probes."""
