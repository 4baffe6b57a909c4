"""Publishes changes in the table as events on the bus."""
