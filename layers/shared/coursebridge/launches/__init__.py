"""Sending a learner to a course."""
