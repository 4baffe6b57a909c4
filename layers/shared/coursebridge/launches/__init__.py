"""Launches, which send learners to courses."""
