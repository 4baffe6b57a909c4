"""The fixtures of the learning function."""

from unit.learning.conftest import connect, lms

__all__ = ["connect", "lms"]
