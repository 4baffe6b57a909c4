"""The catalogue: mapping, filters, classifications, the sync and the search index."""
