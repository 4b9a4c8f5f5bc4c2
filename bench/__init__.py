"""Benchmarks: each prints its figures, the ratio against a named peer, and the bound."""
