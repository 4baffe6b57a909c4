"""The export of entities and relationships."""
