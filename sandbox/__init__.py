"""A stand-in for LinkedIn Learning: token endpoint, REST resources, and senders of xAPI statements and AICC calls.

Its catalogue is generated and can have any size, and every known quirk of LinkedIn's APIs can be switched on.
`python -m sandbox` runs it; `sandbox.serving(...)` runs it inside a test.
"""

from sandbox.server import Server, serving
from sandbox.settings import Settings

__all__ = ["Server", "Settings", "serving"]
