"""Keyword search over the catalogue: one SQLite FTS5 file for each integration, built when a sync finishes."""
