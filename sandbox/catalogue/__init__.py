"""The generated catalogue: assets and classifications derived on demand from a seed."""
