"""The catalogue: models, mapping, filters, the sync and the search index."""
