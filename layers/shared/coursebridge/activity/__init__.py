"""Reads activity reports and reconciles them with what statements have recorded."""
