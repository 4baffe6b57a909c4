"""The table, its keys, and one store per entity."""
