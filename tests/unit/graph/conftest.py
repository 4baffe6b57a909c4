"""The learning function again."""

from unit.learning.conftest import connect, lms

__all__ = ["connect", "lms"]
