"""Applies stored statements to learners and attempts, and releases those that were held."""
