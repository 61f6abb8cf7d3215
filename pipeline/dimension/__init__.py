"""The intrinsic dimension d₉₀ as a pure decision over the outcomes of probes."""
