"""The generated catalogue: assets and classifications made on demand from a seed."""
