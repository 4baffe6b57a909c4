"""Courses and attempts as files."""
