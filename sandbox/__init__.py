"""A LinkedIn Learning to try things against: token endpoint, REST resources, xAPI and AICC pushers.

It speaks LinkedIn's side of both directions, with a generated catalogue of any size and every known quirk to be
switched on. `python -m sandbox` runs it; `sandbox.serving(...)` runs it inside a test.
"""

from sandbox.server import Server, serving
from sandbox.settings import Settings

__all__ = ["Server", "Settings", "serving"]
