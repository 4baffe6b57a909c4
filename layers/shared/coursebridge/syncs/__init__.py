"""Shared by the catalogue and activity syncs: the frame of their tasks, their problems, and when they stop."""
